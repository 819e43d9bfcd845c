//! The forms of a step, and the keys of each.

use crate::document::{Collected, Entry, Issue, Place, Table, listing, nearest};

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An HTTP request.
    Request,
    /// Time passes.
    Wait,
    /// Steps that hold a slot.
    Slot,
    /// The job is handed on.
    Rpc,
    /// A branch.
    Beside,
    /// A poll.
    Poll,
    /// A resource changes.
    Set,
    /// Something is done about refusals.
    Try,
    /// Refusals are only logged.
    Attempt,
    /// Steps that are done again.
    Retry,
    /// A choice.
    If,
    /// A token for a token.
    Exchange,
    /// A token through a trust.
    Trust,
    /// A token of the sender's own.
    Login,
    /// An error is answered.
    Answer,
    /// What the clean-up came to.
    Cleanup,
    /// A procedure.
    Call,
}

/// What stands beside the key that names a form.
#[derive(Clone, Copy, Debug)]
pub struct FormKeys {
    /// The form.
    pub name: &'static str,
    /// These must be there.
    pub required: &'static [&'static str],
    /// These may.
    pub optional: &'static [&'static str],
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 17] = [
        Form::Request,
        Form::Wait,
        Form::Slot,
        Form::Rpc,
        Form::Beside,
        Form::Poll,
        Form::Set,
        Form::Try,
        Form::Attempt,
        Form::Retry,
        Form::If,
        Form::Exchange,
        Form::Trust,
        Form::Login,
        Form::Answer,
        Form::Cleanup,
        Form::Call,
    ];

    /// The key that names it, and those beside it.
    pub const fn keys(self) -> FormKeys {
        const fn keys(
            name: &'static str,
            required: &'static [&'static str],
            optional: &'static [&'static str],
        ) -> FormKeys {
            FormKeys { name, required, optional }
        }
        match self {
            Form::Request => {
                keys("request", &["from", "to"], &["inside", "times", "token", "service_token", "client", "cleanup"])
            }
            Form::Wait => keys("wait", &[], &["parts", "each"]),
            Form::Slot => keys("slot", &["steps"], &[]),
            Form::Rpc => keys("rpc", &[], &[]),
            Form::Beside => keys("beside", &[], &[]),
            Form::Poll => keys(
                "poll",
                &["from", "to", "until", "interval"],
                &["error", "retries", "gave_up", "token", "service_token", "client"],
            ),
            Form::Set => keys("set", &[], &[]),
            Form::Try => keys("try", &["refused"], &[]),
            Form::Attempt => keys("attempt", &[], &["times"]),
            Form::Retry => keys("retry", &["steps"], &["status", "counted"]),
            Form::If => keys("if", &[], &["then", "else"]),
            Form::Exchange => keys("exchange", &["from"], &[]),
            Form::Trust => keys("trust", &["from"], &[]),
            Form::Login => keys("login", &["from"], &[]),
            Form::Answer => keys("answer", &[], &["reason"]),
            Form::Cleanup => keys("cleanup", &[], &[]),
            Form::Call => keys("call", &[], &[]),
        }
    }

    fn of(key: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.keys().name == key)
    }
}

/// The form of a step, and the entry that names it. Unknown and missing keys are issues; `None`: there is no form.
pub(super) fn form<'t>(table: &'t Table, place: Place, issues: &mut Collected) -> Option<(Form, &'t Entry)> {
    let named: Vec<(Form, &Entry)> =
        table.entries.iter().filter_map(|entry| Form::of(&entry.key).map(|form| (form, entry))).collect();
    // `cleanup` names a form only where it stands alone.
    let first = named.iter().find(|(form, _)| *form != Form::Cleanup).or(named.first());
    let Some(&(form, entry)) = first else {
        let forms = Form::ALL.map(|form| form.keys().name);
        let near = table.entries.iter().find_map(|entry| Some((entry, nearest(&entry.key, forms)?)));
        issues.push(match (near, table.entries.as_slice()) {
            (Some((entry, near)), _) => {
                Issue::at(entry.place, format!("unknown step `{}`", entry.key)).help(format!("did you mean `{near}`?"))
            }
            (None, [entry]) => Issue::at(entry.place, format!("unknown step `{}`", entry.key))
                .help(format!("the forms of a step: {}", listing(&forms))),
            (None, _) => Issue::at(place, "a step without a form").help(format!("write one of {}", listing(&forms))),
        });
        return None;
    };
    let keys = form.keys();
    let known: Vec<&str> =
        [keys.name].iter().chain(keys.required).chain(keys.optional).copied().chain(["when"]).collect();
    for other in &table.entries {
        if known.contains(&&*other.key) {
            continue;
        }
        if Form::of(&other.key).is_some() {
            let message = format!("a step has one form, and this one has `{}` and `{}`", entry.key, other.key);
            issues.push(Issue::at(other.place, message).also(entry.place, "the first"));
        } else {
            let issue = Issue::at(other.place, format!("unknown key `{}` of `{}`", other.key, keys.name));
            let help = match nearest(&other.key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", listing(&known)),
            };
            issues.push(issue.help(help));
        }
    }
    for key in keys.required {
        if table.get(key).is_none() {
            issues.push(Issue::at(entry.place, format!("`{}` needs `{key}`", keys.name)));
        }
    }
    Some((form, entry))
}
