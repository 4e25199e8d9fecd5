//! Kernel, initrds and arguments of a live profile, which may hold templates: `{{server.url}}`.

use std::borrow::Cow;

use crate::domain::catalog::{Boot, Catalog, Fault, Selection};

use super::templates::Variables;
use super::{Context, RenderFault, TemplateName, Templates};

/// The templates among the words of one `boot`: where, and by which name.
#[derive(Debug, Clone, Default)]
pub struct BootWords(Vec<(Place, TemplateName)>);

#[derive(Debug, Clone, Copy)]
enum Place {
    Kernel,
    Initrd(usize),
    Arg(usize),
}

impl BootWords {
    /// Compiles them. matchbox writes its words as they are, so its files have none.
    pub(in crate::domain) fn compile(
        templates: &mut Templates,
        file: &str,
        boot: &Boot,
        line: impl Fn(&str) -> usize,
        mut note: impl FnMut(Fault),
    ) -> Self {
        let kernel = std::iter::once((Place::Kernel, &boot.kernel));
        let initrd = boot.initrd.iter().enumerate().map(|(at, word)| (Place::Initrd(at), word));
        let args = boot.args.iter().enumerate().map(|(at, word)| (Place::Arg(at), word));
        let mut words = Vec::new();
        for (place, word) in kernel.chain(initrd).chain(args) {
            if !word.contains("{{") || yaml::is_json(file) {
                continue;
            }
            let key = place.key();
            match templates.add_word((file, line(&key)), &key, word) {
                Ok(name) => words.push((place, name)),
                Err(fault) => note(fault),
            }
        }
        Self(words)
    }

    /// Their names.
    pub(in crate::domain) fn names(&self) -> impl Iterator<Item = &TemplateName> {
        self.0.iter().map(|(_, name)| name)
    }
}

impl Place {
    fn key(self) -> String {
        match self {
            Self::Kernel => "boot.kernel".to_owned(),
            Self::Initrd(at) => format!("boot.initrd[{at}]"),
            Self::Arg(at) => format!("boot.args[{at}]"),
        }
    }

    fn of(self, boot: &mut Boot) -> Option<&mut String> {
        match self {
            Self::Kernel => Some(&mut boot.kernel),
            Self::Initrd(at) => boot.initrd.get_mut(at),
            Self::Arg(at) => boot.args.get_mut(at),
        }
    }
}

impl Catalog {
    /// What a live profile boots on one machine. `None`: it is no live profile.
    pub fn boot<'c>(
        &'c self,
        selection: Selection<'c>,
        context: &Context,
    ) -> Result<Option<Cow<'c, Boot>>, RenderFault> {
        let profile = selection.profile;
        let Some(boot) = &profile.boot else { return Ok(None) };
        let mut boot = Cow::Borrowed(boot);
        for (place, name) in &profile.boot_words.0 {
            let word = self.templates.render(name, Variables::Of(context))?;
            if let Some(old) = place.of(boot.to_mut()) {
                word.as_ref().clone_into(old);
            }
        }
        Ok(Some(boot))
    }
}
