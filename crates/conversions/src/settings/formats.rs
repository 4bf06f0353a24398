//! Fields mapped for a format of the request that the mapping does not choose.

use signalbox_core::{BuildError, nearest};

use super::MappingConfig;
use crate::field::Row;
use crate::spec::{Compat, Spec};

/// The field that a mapping of the settings fills.
pub(super) enum Place {
    /// The field that the settings name.
    Named,
    /// The same field of the chosen format.
    Carried(String),
    /// None, since the chosen format has no such field, or has it filled already.
    Nowhere(BuildError),
    /// None, as at Segment.
    Ignored(BuildError),
}

/// Finds the field that the mapping of `name` fills in the chosen format. `path` is its place in the pipeline file.
pub(super) fn place(
    spec: &Spec,
    config: &MappingConfig,
    (name, path): (&str, &str),
    chosen: Option<&str>,
    compat: Compat,
) -> Place {
    let (Some(chosen), Some(choice)) = (chosen, spec.format_field) else {
        return Place::Named;
    };
    // A name that no format has gets an error of its own.
    if spec.field(name).is_none() || spec.is_sent(name, chosen) {
        return Place::Named;
    }
    let same = counterpart(spec, name, chosen);
    let because = match chosen {
        "" => format!("is never sent, since the mapping has no {choice}"),
        _ => format!("is never sent, since {choice} is \"{chosen}\""),
    };
    let format = spec.row(name.split('.').next().unwrap_or_default());
    let format = format.and_then(|row| row.format).unwrap_or_default();
    let choose = format!("set {choice} = \"{format}\" in this mapping");
    match same {
        Some(same) if compat == Compat::Segment => {
            let error = BuildError::new(path, format!("{because}, which is Segment's rule too"));
            Place::Ignored(error.help(format!("map \"{same}\", or {choose}")))
        }
        None if compat == Compat::Segment => {
            let error = BuildError::new(path, format!("{because}, which is Segment's rule too"));
            Place::Ignored(error.help(choose))
        }
        Some(same) if config.names(&same) => {
            if config.fields.get(&same) == config.fields.get(name) {
                return Place::Carried(same);
            }
            let message =
                format!("{because}, which sends \"{same}\", and the mapping says otherwise about that");
            Place::Nowhere(BuildError::new(path, message).help(format!("take \"{name}\" out, or {choose}")))
        }
        Some(same) => Place::Carried(same),
        None => {
            let help = match alike(spec, name, chosen) {
                Some(near) => format!("did you mean \"{near}\"? If not, {choose}"),
                None => choose,
            };
            Place::Nowhere(BuildError::new(path, because).help(help))
        }
    }
}

/// Returns the field of the chosen format that stands for a field of another: an object with the same members, the same
/// member of it, or the field of the same name, which one format has in an object and the other has not.
pub(super) fn counterpart(spec: &Spec, name: &str, chosen: &str) -> Option<String> {
    let of_format = || spec.rows.iter().filter(|row| row.format == Some(chosen));
    let has = |path: String| spec.field(&path).is_some().then_some(path);
    let Some((parent, member)) = name.split_once('.') else {
        let row = spec.row(name)?;
        let whole = of_format().find(|other| same_members(row, other));
        return match whole {
            Some(other) => Some(other.field.key.to_owned()),
            None => of_format().find_map(|other| has(format!("{}.{name}", other.field.key))),
        };
    };
    let parent = spec.row(parent)?;
    let objects = of_format().filter(|other| same_members(parent, other));
    let in_object = objects
        .map(|other| format!("{}.{member}", other.field.key))
        .find_map(has);
    in_object.or_else(|| {
        let alone = of_format().find(|other| other.field.key == member);
        alone.map(|other| other.field.key.to_owned())
    })
}

/// Returns true for two objects with rows of the same names.
fn same_members(one: &Row, other: &Row) -> bool {
    let names = |row: &Row| {
        row.members
            .iter()
            .map(|member| member.field.key)
            .collect::<Vec<_>>()
    };
    !one.members.is_empty() && one.field.multiple == other.field.multiple && names(one) == names(other)
}

/// Returns the field of the chosen format with the most similar name.
fn alike(spec: &Spec, name: &str, chosen: &str) -> Option<String> {
    let paths: Vec<String> = spec
        .all_rows()
        .map(|(path, _)| path)
        .filter(|path| spec.is_sent(path, chosen))
        .collect();
    // The member `brand` of an object stands for a flat `device_brand`.
    let ends = |path: &&String| {
        let member = path.split_once('.').map(|(_, member)| member);
        member.is_some_and(|member| {
            name.strip_suffix(member)
                .is_some_and(|start| start.ends_with('_'))
        })
    };
    let ending = paths.iter().find(ends).map(String::as_str);
    let near = ending.or_else(|| nearest(name, paths.iter().map(String::as_str)));
    near.map(str::to_owned)
}

impl MappingConfig {
    /// Returns true if the settings say something about a field, about its object, or about one of its members.
    fn names(&self, field: &str) -> bool {
        let within = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let mut named = self.fields.keys().chain(&self.unset);
        named.any(|named| within(named, field) || within(field, named))
    }
}
