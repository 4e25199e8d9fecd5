use super::*;

fn error<T: fmt::Debug>(result: Result<T, Failure>) -> String {
    result.unwrap_err().to_string()
}

fn words(typed: &[&str]) -> Vec<String> {
    typed.iter().map(ToString::to_string).collect()
}

#[test]
fn a_selector_is_shown_in_one_order_however_it_was_typed() {
    let selector: Selector = "role=worker,rack=r1".parse().unwrap();
    assert_eq!(selector.to_string(), "rack=r1,role=worker");
}

#[test]
fn a_selector_that_would_hit_everything_or_nothing_is_refused() {
    let cases = ["", "rack", "rack=r1,", "=r1", "rack=r1,rack=r2", "rack!=r1"];
    let errors: Vec<_> = cases.iter().map(|typed| error(typed.parse::<Selector>())).collect();
    insta::assert_snapshot!(errors.join("\n"), @r"
    selector ``: `` is not key=value, as in rack=r1,role=worker
    selector `rack`: `rack` is not key=value, as in rack=r1,role=worker
    selector `rack=r1,`: `` is not key=value, as in rack=r1,role=worker
    selector `=r1`: a key is missing, as in rack=r1,role=worker
    selector `rack=r1,rack=r2`: `rack` is there twice, and a label has one value
    selector `rack!=r1`: '!' cannot be part of a key, as in rack=r1,role=worker
    ");
}

#[test]
fn tags_are_set_with_an_equals_sign_and_removed_with_a_minus() {
    let change = TagChange::parse(&words(&["rack=r1", "old-", "note=a=b-", "empty="])).unwrap();
    let set: Vec<_> = change.set.iter().map(|(k, v)| format!("{k}:{v}")).collect();
    assert_eq!(set, ["empty:", "note:a=b-", "rack:r1"]);
    assert_eq!(change.remove.into_iter().collect::<Vec<_>>(), ["old"]);
}

#[test]
fn tags_that_say_nothing_or_two_things_are_refused() {
    let cases: [&[&str]; 4] = [&["rack"], &["-"], &["a=1", "a-"], &["a b=1"]];
    let errors: Vec<_> = cases.iter().map(|typed| error(TagChange::parse(&words(typed)))).collect();
    insta::assert_snapshot!(errors.join("\n"), @r"
    tag `rack`: neither sets nor removes; set with k=v, remove with k-
    tag `-`: a key is missing; set with k=v, remove with k-
    tag `a` is there twice: say once what it shall be
    tag `a b=1`: ' ' cannot be part of a key; set with k=v, remove with k-
    ");
}

#[test]
fn a_time_limit_needs_a_unit_and_a_length() {
    let seconds = |typed| parse_time_limit(typed).unwrap().as_secs();
    assert_eq!([seconds("90s"), seconds("10m"), seconds("1h 30m")], [90, 600, 5400]);
    let errors: Vec<_> = ["10", "", "0s", "-1m", "10 parsecs"]
        .iter()
        .map(|typed| error(parse_time_limit(typed)))
        .collect();
    insta::assert_snapshot!(errors.join("\n"), @r#"
    --timeout `10`: time unit needed, for example 10sec or 10ms; write it as 90s, 10m or 1h
    --timeout ``: value was empty; write it as 90s, 10m or 1h
    --timeout `0s`: has to be longer than nothing
    --timeout `-1m`: expected number at 0; write it as 90s, 10m or 1h
    --timeout `10 parsecs`: unknown time unit "parsecs", supported units: ns, us/µs, ms, sec, min, hours, days, weeks, months, years (and few variations); write it as 90s, 10m or 1h
    "#);
}

#[test]
fn every_common_spelling_of_a_mac_is_the_same_mac() {
    for typed in ["52:54:00:AB:cd:01", "52-54-00-ab-cd-01", "5254.00ab.cd01", "525400ABCD01"] {
        assert_eq!(parse_mac(typed).unwrap(), "52:54:00:ab:cd:01");
    }
    assert!(error(parse_mac("52:54:00")).contains("is no MAC"));
}

#[test]
fn a_goal_is_a_state_that_exists() {
    assert_eq!(parse_goal("state=running").unwrap().as_str(), "running");
    let errors = [error(parse_goal("state=runing")), error(parse_goal("running"))];
    insta::assert_snapshot!(errors.join("\n"), @r"
    --for `state=runing`: write state=STATE with one of unknown, configured, installing, installed, running, failed, retired
    --for `running`: write state=STATE with one of unknown, configured, installing, installed, running, failed, retired
    ");
}
