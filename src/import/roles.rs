//! Roles of the users whose service tokens go along: they stand in no file, so that they are said or guessed.

use crate::document::did_you_mean;

/// A service user, by the name that scenarios give it.
pub(super) struct User {
    pub(super) name: &'static str,
    /// What deployment tools give it.
    pub(super) guess: &'static [&'static str],
    /// How to look its roles up.
    pub(super) ask: &'static str,
}

/// All of them, in the order in which scenarios have them.
pub(super) const USERS: [User; 3] = [
    User { name: "nova", guess: &["service"], ask: "`openstack role assignment list --names --user nova`" },
    User { name: "cinder", guess: &["service"], ask: "`openstack role assignment list --names --user cinder`" },
    User {
        name: "nova_authtoken",
        guess: &["admin", "service"],
        ask: "roles of the user of nova.conf [keystone_authtoken]",
    },
];

/// The roles of a service user, as somebody says them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRoles {
    /// Which user.
    pub user: &'static str,
    /// Its roles; none, if it holds none.
    pub roles: Vec<String>,
}

impl ServiceRoles {
    /// Reads `USER=ROLE,…`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<ServiceRoles, String> {
        let (user, roles) = text.split_once('=').ok_or("expected USER=ROLE,… such as nova=service,admin")?;
        let names = USERS.map(|user| user.name);
        let known = names.into_iter().find(|name| *name == user.trim());
        let user = known.ok_or_else(|| format!("no service user is called so: {}", did_you_mean(user, &names)))?;
        let roles = roles.split(',').map(|role| role.trim().to_owned()).filter(|role| !role.is_empty()).collect();
        Ok(ServiceRoles { user, roles })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_said_by_user() {
        let read = |text: &str| ServiceRoles::parse(text).map(|said| (said.user, said.roles.join("+")));
        let cases = [
            ("nova=service", Ok(("nova", "service"))),
            ("nova_authtoken=admin, service", Ok(("nova_authtoken", "admin+service"))),
            ("cinder=", Ok(("cinder", ""))),
            ("cindr=service", Err("did you mean `cinder`?")),
            ("service", Err("expected USER=ROLE")),
        ];
        for (text, expected) in cases {
            match (read(text), expected) {
                (Ok((user, roles)), Ok(expected)) => assert_eq!((user, roles.as_str()), expected, "{text}"),
                (Err(message), Err(part)) => assert!(message.contains(part), "{text}: {message}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
