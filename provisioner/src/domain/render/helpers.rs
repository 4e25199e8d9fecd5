//! Functions for templates. All pure.

mod crypt;
mod network;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, JsonRender, Output, RenderContext,
    RenderError, RenderErrorReason, ScopedJson,
};
use serde_json::Value;

use super::Language;
use super::{escape, refused};

/// Registers the helpers that handlebars does not bring itself (it has `eq`, `ne`, `and`, `or`, `not`, `len`).
///
/// | helper | gives |
/// |---|---|
/// | `json x` | any value as JSON: valid in YAML too |
/// | `quote x` | text in the quotes of the output's language |
/// | `indent n x` | every line of `x` but the first moved in by `n`: for block scalars of YAML |
/// | `oneline x` | text of one line as it is: within a line of a block scalar of YAML |
/// | `base64 x` | RFC 4648 section 4 |
/// | `default x y` | `x`, or `y` when `x` is missing, null or empty |
/// | `join list sep` | the list's values with `sep` between |
/// | `upper x`, `lower x` | in that case |
/// | `range n` | the numbers from 0, for `each`; `range a b` from a up to b |
/// | `add n m` | their sum; `add @index 1` counts from 1 |
/// | `screen x` | text on a machine's screen: for `echo` and `item` of iPXE and GRUB |
/// | `urlencode x` | percent-encoded (RFC 3986 section 2.3) |
/// | `multiline x` | text of several lines as it is, in languages that nobody here knows |
/// | `ip_add a n`, `ip_host net n`, `ip_network net`, … | see [`network`] |
/// | `sha512crypt password salt` | as in /etc/shadow |
pub(super) fn register(registry: &mut Handlebars<'static>, language: Language) {
    let value = |apply| Box::new(Returns { apply, missing: false });
    match language {
        Language::Yaml => {
            registry.register_helper("json", Box::new(Writes(json_in_yaml)));
            registry.register_helper("quote", Box::new(Writes(quote_in_yaml)));
            registry.register_helper("indent", Box::new(Writes(indent)));
            registry.register_helper("oneline", Box::new(Writes(oneline)));
        }
        Language::Json => {
            registry.register_helper("json", Box::new(Writes(json)));
            registry.register_helper("quote", Box::new(Writes(quote)));
        }
        Language::Shell => {
            registry.register_helper("json", Box::new(Quotes(json)));
            registry.register_helper("quote", Box::new(Quotes(|args| text(args, 0))));
        }
        Language::Ipxe => {
            registry.register_helper("screen", Box::new(Writes(screen_text)));
        }
        Language::Grub => {
            registry.register_helper("quote", Box::new(Writes(quote_in_grub)));
            registry.register_helper("screen", Box::new(Writes(quote_in_grub)));
        }
        Language::Plain => {
            registry.register_helper("json", Box::new(Writes(json)));
            registry.register_helper("quote", Box::new(Writes(quote)));
            registry.register_helper("indent", Box::new(Writes(indent)));
            registry.register_helper("multiline", Box::new(Writes(|args| text(args, 0))));
            // What machines say is marked there; a mark is no part of a value that is compared.
            registry.register_helper("eq", value(|args| equal(args).map(Value::from)));
            registry.register_helper("len", value(length));
            registry.register_helper("ne", value(|args| equal(args).map(|same| (!same).into())));
        }
    }
    registry.register_helper("base64", value(|args| Ok(STANDARD.encode(bare(args)?).into())));
    registry.register_helper("upper", value(|args| Ok(text(args, 0)?.to_uppercase().into())));
    registry.register_helper("lower", value(|args| Ok(text(args, 0)?.to_lowercase().into())));
    registry.register_helper("join", value(join));
    registry.register_helper("urlencode", value(|args| Ok(url(&bare(args)?).into())));
    registry.register_helper("range", value(range));
    registry.register_helper("add", value(add));
    registry.register_helper("sha512crypt", value(crypt::sha512crypt));
    registry.register_helper("ip_add", value(network::add));
    registry.register_helper("ip_host", value(network::host));
    registry.register_helper("ip_network", value(network::network));
    registry.register_helper("ip_netmask", value(network::netmask));
    registry.register_helper("ip_broadcast", value(network::broadcast));
    registry.register_helper("ip_prefix", value(network::prefix));
    registry.register_helper("default", Box::new(Returns { apply: default, missing: true }));
}

/// Names that helpers have, here and in handlebars: nobody may call metadata so.
pub(in crate::domain) const NAMES: [&str; 38] = [
    "add",
    "and",
    "base64",
    "default",
    "each",
    "eq",
    "gt",
    "gte",
    "if",
    "indent",
    "ip_add",
    "ip_broadcast",
    "ip_host",
    "ip_netmask",
    "ip_network",
    "ip_prefix",
    "join",
    "json",
    "len",
    "log",
    "lookup",
    "lower",
    "lt",
    "lte",
    "multiline",
    "ne",
    "not",
    "oneline",
    "or",
    "quote",
    "range",
    "raw",
    "screen",
    "sha512crypt",
    "unless",
    "upper",
    "urlencode",
    "with",
];

type Apply<T> = fn(&[Option<&Value>]) -> Result<T, String>;

/// Gives a value, which is escaped when it is written.
struct Returns {
    apply: Apply<Value>,
    /// Whether it takes variables that do not exist.
    missing: bool,
}

impl HelperDef for Returns {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let value =
            (self.apply)(&arguments(helper, self.missing)?).map_err(|why| fail(helper, &why))?;
        Ok(ScopedJson::Derived(value))
    }
}

/// Writes text that is already in the output's language.
struct Writes(Apply<String>);

impl HelperDef for Writes {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let text = (self.0)(&arguments(helper, false)?).map_err(|why| fail(helper, &why))?;
        Ok(out.write(&text)?)
    }
}

/// Writes text in the quotes of a shell; within another call it is the text itself.
struct Quotes(Apply<String>);

impl HelperDef for Quotes {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let text = (self.0)(&arguments(helper, false)?).map_err(|why| fail(helper, &why))?;
        Ok(ScopedJson::Derived(text.into()))
    }

    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let text = (self.0)(&arguments(helper, false)?).map_err(|why| fail(helper, &why))?;
        Ok(out.write(&escape::shell_quoted(&text))?)
    }
}

fn arguments<'h>(
    helper: &'h Helper<'_>,
    missing: bool,
) -> Result<Vec<Option<&'h Value>>, RenderError> {
    let mut out = Vec::new();
    for argument in helper.params() {
        if !argument.is_value_missing() {
            out.push(Some(argument.value()));
        } else if missing {
            out.push(None);
        } else {
            let name = argument.relative_path().cloned();
            return Err(RenderErrorReason::MissingVariable(name).into());
        }
    }
    Ok(out)
}

fn fail(helper: &Helper<'_>, why: &str) -> RenderError {
    RenderErrorReason::Other(format!("{}: {why}", helper.name())).into()
}

fn value<'v>(args: &[Option<&'v Value>], at: usize) -> Result<&'v Value, String> {
    args.get(at).copied().flatten().ok_or_else(|| format!("argument {} is missing", at + 1))
}

/// A scalar as text. Lists and maps have no one way to be written: `json` or `join` is wanted.
fn text(args: &[Option<&Value>], at: usize) -> Result<String, String> {
    match value(args, at)? {
        Value::Array(_) | Value::Object(_) => Err("text is wanted, not a list or map".to_owned()),
        scalar => Ok(scalar.render()),
    }
}

/// Text for an alphabet in which nothing means anything, so that it may come from anybody.
fn bare(args: &[Option<&Value>]) -> Result<String, String> {
    text(args, 0).map(|text| refused::unmarked(&text))
}

fn equal(args: &[Option<&Value>]) -> Result<bool, String> {
    let plain = |value: &Value| match value {
        Value::String(text) => refused::unmarked(text).into(),
        other => other.clone(),
    };
    Ok(plain(value(args, 0)?) == plain(value(args, 1)?))
}

/// As handlebars' own: elements, entries, or bytes.
fn length(args: &[Option<&Value>]) -> Result<Value, String> {
    Ok(match value(args, 0)? {
        Value::Array(list) => list.len(),
        Value::Object(map) => map.len(),
        Value::String(text) => refused::unmarked(text).len(),
        _ => 0,
    }
    .into())
}

/// Text that keeps to its line, as it is: for lines within a block scalar of YAML.
fn oneline(args: &[Option<&Value>]) -> Result<String, String> {
    let text = text(args, 0)?;
    let line_end = |c: char| c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}');
    let odd = text.contains(line_end) || text.starts_with(char::is_whitespace);
    Ok(if odd { refused::mark(&text) } else { text })
}

fn json(args: &[Option<&Value>]) -> Result<String, String> {
    Ok(value(args, 0)?.to_string())
}

fn json_in_yaml(args: &[Option<&Value>]) -> Result<String, String> {
    Ok(escape::json_in_yaml(value(args, 0)?))
}

fn quote(args: &[Option<&Value>]) -> Result<String, String> {
    text(args, 0).map(|text| Value::from(text).to_string())
}

fn quote_in_yaml(args: &[Option<&Value>]) -> Result<String, String> {
    text(args, 0).map(|text| escape::json_in_yaml(&text.into()))
}

/// Every line break of YAML 1.1 counts as one, so that no line of the value stands further left. Blanks in
/// front of the first line would set the block's indentation: refused.
fn indent(args: &[Option<&Value>]) -> Result<String, String> {
    let wrong = || "write {{indent 4 x}}: a number of blanks, then the text".to_owned();
    let by = value(args, 0)?.as_u64().filter(|by| *by <= 64).ok_or_else(wrong)?;
    let by = usize::try_from(by).map_err(|_| wrong())?;
    let text = text(args, 1)?.replace("\r\n", "\n");
    if text.starts_with(char::is_whitespace) {
        return Err(
            "the text begins with a blank, which a block scalar cannot keep; use {{json x}}"
                .to_owned(),
        );
    }
    let lines: Vec<&str> = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).collect();
    Ok(lines.join(&format!("\n{}", " ".repeat(by))))
}

fn join(args: &[Option<&Value>]) -> Result<Value, String> {
    let Value::Array(list) = value(args, 0)? else {
        return Err("a list is wanted".to_owned());
    };
    let separator = text(args, 1)?;
    let texts: Result<Vec<String>, String> =
        list.iter().map(|item| text(&[Some(item)], 0)).collect();
    Ok(texts?.join(&separator).into())
}

fn default(args: &[Option<&Value>]) -> Result<Value, String> {
    let empty = |value: &&Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    match args.first().copied().flatten().filter(|value| !empty(value)) {
        Some(first) => Ok(first.clone()),
        None => value(args, 1).cloned(),
    }
}

/// A whole number, or text that is one.
fn integer(args: &[Option<&Value>], at: usize) -> Result<i64, String> {
    let wrong = || format!("argument {} is no whole number", at + 1);
    match value(args, at)? {
        Value::Number(number) => number.as_i64().ok_or_else(wrong),
        Value::String(text) => text.parse().map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

/// Longest list of `range`: nobody counts machines further.
const MAX_RANGE: i64 = 65_536;

fn range(args: &[Option<&Value>]) -> Result<Value, String> {
    let first = integer(args, 0)?;
    let (from, to) = if args.len() > 1 { (first, integer(args, 1)?) } else { (0, first) };
    if to.saturating_sub(from) > MAX_RANGE {
        return Err(format!("more than {MAX_RANGE} numbers"));
    }
    Ok((from..to).collect::<Vec<i64>>().into())
}

fn add(args: &[Option<&Value>]) -> Result<Value, String> {
    let sum = integer(args, 0)?.checked_add(integer(args, 1)?);
    sum.map(Value::from).ok_or_else(|| "the sum is too large".to_owned())
}

fn url(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, KEPT).to_string()
}

/// Words of iPXE in which nothing means anything: see [`guard::screen_text`](super::guard).
fn screen_text(args: &[Option<&Value>]) -> Result<String, String> {
    Ok(super::ipxe::words(&text(args, 0)?).join(" "))
}

fn quote_in_grub(args: &[Option<&Value>]) -> Result<String, String> {
    text(args, 0).map(|text| escape::grub_quoted(&text))
}
