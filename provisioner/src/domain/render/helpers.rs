//! Functions for templates. All pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, JsonRender, Output, RenderContext,
    RenderError, RenderErrorReason, ScopedJson,
};
use serde_json::Value;

use super::escape;
use super::templates::Language;

/// Registers the helpers that handlebars does not bring itself (it has `eq`, `ne`, `and`, `or`, `not`, `len`).
///
/// | helper | gives |
/// |---|---|
/// | `json x` | any value as JSON: valid in YAML too |
/// | `quote x` | text in the quotes of the output's language |
/// | `indent n x` | every line of `x` but the first moved in by `n`: for block scalars of YAML |
/// | `base64 x` | RFC 4648 section 4 |
/// | `default x y` | `x`, or `y` when `x` is missing, null or empty |
/// | `join list sep` | the list's values with `sep` between |
/// | `upper x`, `lower x` | in that case |
pub(super) fn register(registry: &mut Handlebars<'static>, language: Language) {
    let value = |apply| Box::new(Returns { apply, missing: false });
    match language {
        Language::Yaml => {
            registry.register_helper("json", Box::new(Writes(json_in_yaml)));
            registry.register_helper("quote", Box::new(Writes(quote_in_yaml)));
            registry.register_helper("indent", Box::new(Writes(indent)));
        }
        Language::Json => {
            registry.register_helper("json", Box::new(Writes(json)));
            registry.register_helper("quote", Box::new(Writes(quote)));
        }
        Language::Shell => {
            registry.register_helper("json", value(|args| json(args).map(Value::from)));
            registry.register_helper("quote", value(|args| text(args, 0).map(Value::from)));
        }
        Language::Plain => {
            registry.register_helper("json", Box::new(Writes(json)));
            registry.register_helper("quote", Box::new(Writes(quote)));
            registry.register_helper("indent", Box::new(Writes(indent)));
        }
    }
    registry.register_helper("base64", value(|args| Ok(STANDARD.encode(text(args, 0)?).into())));
    registry.register_helper("upper", value(|args| Ok(text(args, 0)?.to_uppercase().into())));
    registry.register_helper("lower", value(|args| Ok(text(args, 0)?.to_lowercase().into())));
    registry.register_helper("join", value(join));
    registry.register_helper("default", Box::new(Returns { apply: default, missing: true }));
}

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

fn json(args: &[Option<&Value>]) -> Result<String, String> {
    Ok(value(args, 0)?.to_string())
}

fn json_in_yaml(args: &[Option<&Value>]) -> Result<String, String> {
    json(args).map(|json| escape::json_in_yaml(&json))
}

fn quote(args: &[Option<&Value>]) -> Result<String, String> {
    text(args, 0).map(|text| Value::from(text).to_string())
}

fn quote_in_yaml(args: &[Option<&Value>]) -> Result<String, String> {
    quote(args).map(|json| escape::json_in_yaml(&json))
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
