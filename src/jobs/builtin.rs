//! The job kinds that outlast ships, as files beside this one.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use crate::document::{self, Collected, Place, Sources, Table, Value};

use super::check;
use super::definition::Definition;
use super::names::Names;
use super::read::{self, Procedure};

/// Every file, in the order in which documents list the kinds.
#[rustfmt::skip]
const FILES: [(&str, &str); 16] = [
    ("_procedures.toml", include_str!("builtin/_procedures.toml")),
    ("boot_from_volume.toml", include_str!("builtin/boot_from_volume.toml")),
    ("snapshot.toml", include_str!("builtin/snapshot.toml")),
    ("volume_from_image.toml", include_str!("builtin/volume_from_image.toml")),
    ("volume_to_image.toml", include_str!("builtin/volume_to_image.toml")),
    ("volume_backup.toml", include_str!("builtin/volume_backup.toml")),
    ("volume_restore.toml", include_str!("builtin/volume_restore.toml")),
    ("live_migration.toml", include_str!("builtin/live_migration.toml")),
    ("cold_migration.toml", include_str!("builtin/cold_migration.toml")),
    ("volume_retype.toml", include_str!("builtin/volume_retype.toml")),
    ("image_upload.toml", include_str!("builtin/image_upload.toml")),
    ("image_import.toml", include_str!("builtin/image_import.toml")),
    ("shelve.toml", include_str!("builtin/shelve.toml")),
    ("unshelve.toml", include_str!("builtin/unshelve.toml")),
    ("rebuild_volume_backed.toml", include_str!("builtin/rebuild_volume_backed.toml")),
    ("volume_detach.toml", include_str!("builtin/volume_detach.toml")),
];

/// What is shipped. Nothing in it has a place: what a user can mend is never in here.
pub(super) struct Shipped {
    pub(super) definitions: Vec<Arc<Definition>>,
    pub(super) procedures: Vec<Procedure>,
}

/// What is shipped, read once.
///
/// # Panics
/// If a file is wrong, which a test excludes.
pub(super) fn shipped() -> &'static Shipped {
    static SHIPPED: LazyLock<Shipped> = LazyLock::new(|| {
        let mut sources = Sources::default();
        let mut issues = Collected::default();
        let files: Vec<Table> = FILES
            .iter()
            .filter_map(|(name, text)| {
                let source = sources.add(name, Arc::from(*text), Path::new(""));
                document::parse(text, source, &mut issues)
            })
            .collect();
        read_files(&files, &mut issues);
        assert!(issues.len() == 0, "the job kinds that are shipped:\n{}", issues.finish(sources.into_list()));
        let nowhere: Vec<Table> = files.iter().map(|file| file.at_place(Place::NOWHERE)).collect();
        read_files(&nowhere, &mut Collected::default())
    });
    &SHIPPED
}

fn read_files(files: &[Table], issues: &mut Collected) -> Shipped {
    let mut procedures = Vec::new();
    for list in files.iter().filter_map(|file| file.get("procedure")) {
        let more = read::procedures(list, &procedures, issues);
        procedures.extend(more);
    }
    let bodies: Vec<Table> = files.iter().map(without_procedures).collect();
    let kinds: Vec<(&Table, Place)> = bodies
        .iter()
        .filter(|body| !body.entries.is_empty())
        .map(|body| (body, body.get("name").map_or(Place::NOWHERE, |value: &Value| value.place)))
        .collect();
    let definitions = checked(read::kinds(&kinds, &procedures, &Names::well_known(), issues), issues);
    Shipped { definitions, procedures }
}

fn without_procedures(file: &Table) -> Table {
    let mut body = file.clone();
    body.remove("procedure");
    body
}

/// What has been read, once it makes sense as a whole.
pub(super) fn checked(read: Vec<Definition>, issues: &mut Collected) -> Vec<Arc<Definition>> {
    read.into_iter()
        .map(|definition| {
            check::check(&definition, issues);
            Arc::new(definition)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed_and_good() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/jobs/builtin");
        let mut found: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        found.sort();
        let mut listed: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        listed.sort_unstable();
        assert_eq!(found, listed);
        assert_eq!(shipped().definitions.len(), FILES.len() - 1, "all but the file of procedures define a kind");
    }
}
