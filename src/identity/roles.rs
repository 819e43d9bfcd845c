//! Roles of a service token's user: which ones Keystone lists in the token, and whether a receiver takes one of them.

/// What one role implies by `keystone-manage bootstrap`: `admin`, `manager`, `member`, `reader` form a chain;
/// `service` stands beside it and neither implies nor is implied.
const IMPLIED: [(&str, &str); 3] = [("admin", "manager"), ("manager", "member"), ("member", "reader")];

/// Whether a user with `assigned` roles has one of `accepted`, a receiver's `service_token_roles`.
///
/// Keystone lists implied roles in the token, so they count. Without an accepted role nobody has one
/// (`keystonemiddleware.auth_token:BaseAuthProtocol.process_request` intersects the two sets).
pub fn has_one_of(assigned: &[&str], accepted: &[&str]) -> bool {
    assigned.iter().any(|role| {
        let mut listed = Some(*role);
        while let Some(role) = listed {
            if accepted.contains(&role) {
                return true;
            }
            listed = IMPLIED.iter().find(|(prior, _)| *prior == role).map(|(_, implied)| *implied);
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_listed_with_what_they_imply() {
        let cases: [(&[&str], &[&str], bool); 9] = [
            (&["service"], &["service"], true),
            (&["admin"], &["service"], false),
            (&["admin"], &["member"], true),
            (&["admin"], &["reader"], true),
            (&["member"], &["admin"], false),
            (&["service"], &["member"], false),
            (&["member", "service"], &["service", "admin"], true),
            (&["service"], &[], false),
            (&[], &["service"], false),
        ];
        for (assigned, accepted, expected) in cases {
            assert_eq!(has_one_of(assigned, accepted), expected, "{assigned:?} of {accepted:?}");
        }
    }
}
