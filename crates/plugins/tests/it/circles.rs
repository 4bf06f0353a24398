//! No circles between the files of a crate: a reader who follows the uses of a file comes to an end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{Attribute, Item, UseTree, Visibility};

use crate::directions::crate_roots;

/// The most files that may use each other in a circle. Two stand for a file and its helper.
const LONGEST: usize = 2;

/// A file of a crate, as the module it holds.
struct Module {
    file: PathBuf,
    items: Vec<Item>,
}

/// The modules of one crate by their paths; the root has the empty path.
#[derive(Default)]
struct Crate {
    modules: BTreeMap<Vec<String>, Module>,
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Meta>()
                .is_ok_and(|meta| meta.path().is_ident("test"))
    })
}

/// The value of `#[path = "…"]`.
fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(text),
                ..
            }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

impl Crate {
    fn read(root: &Path) -> Crate {
        let mut found = Crate::default();
        let folder = root.parent().expect("a folder").to_owned();
        found.read_file(root, &folder, Vec::new());
        found
    }

    /// Reads a file and the files of its modules, which lie in `folder`.
    fn read_file(&mut self, file: &Path, folder: &Path, path: Vec<String>) {
        let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.read_items(file, folder, path, parsed.items);
    }

    fn read_items(&mut self, file: &Path, folder: &Path, path: Vec<String>, items: Vec<Item>) {
        let items: Vec<Item> = items
            .into_iter()
            .filter(|item| !is_test(attributes(item)))
            .collect();
        for item in &items {
            let Item::Mod(module) = item else { continue };
            let name = module.ident.to_string();
            let mut inner = path.clone();
            inner.push(name.clone());
            match &module.content {
                Some((_, items)) => {
                    self.read_items(file, &folder.join(&name), inner, items.clone());
                }
                None => {
                    let flat = path_attribute(&module.attrs).map_or_else(
                        || folder.join(format!("{name}.rs")),
                        |named| file.parent().expect("a folder").join(named),
                    );
                    let nested = folder.join(&name).join("mod.rs");
                    let file = if flat.exists() { flat } else { nested };
                    self.read_file(&file, &folder.join(&name), inner);
                }
            }
        }
        let file = file.to_owned();
        self.modules.insert(path, Module { file, items });
    }

    /// The module that declares the thing at the end of a path, which is read from within `from`.
    /// Follows re-exports, so that a façade counts as a user of nothing.
    fn declares(&self, from: &[String], path: &[String], depth: usize) -> Option<Vec<String>> {
        let (first, mut rest) = path.split_first()?;
        let mut here = from.to_vec();
        match first.as_str() {
            "crate" => here.clear(),
            "self" => {}
            "super" => {
                here.pop()?;
            }
            _ => rest = path,
        }
        while let Some((next, behind)) = rest.split_first() {
            if next == "super" {
                here.pop()?;
                rest = behind;
                continue;
            }
            let mut inner = here.clone();
            inner.push(next.clone());
            if self.modules.contains_key(&inner) {
                here = inner;
                rest = behind;
                continue;
            }
            let module = self.modules.get(&here)?;
            if module.items.iter().any(|item| names(item, next)) {
                return Some(here);
            }
            if depth == 0 {
                return None;
            }
            return imports(module).into_iter().find_map(|import| {
                let mut target = import.path;
                match import.name {
                    Some(name) if name == *next => {}
                    None => target.push(next.clone()),
                    Some(_) => return None,
                }
                // An import of the same name from another crate resolves to nothing.
                if target == [next.clone()] {
                    return None;
                }
                self.declares(&here, &target, depth - 1)
            });
        }
        Some(here)
    }

    /// For each file the files that it uses.
    fn uses(&self) -> BTreeMap<&Path, BTreeSet<&Path>> {
        let mut uses: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
        for (path, module) in &self.modules {
            let file = module.file.as_path();
            let mut paths = Paths::default();
            for item in &module.items {
                // Modules within a file are in the list themselves.
                if !matches!(item, Item::Mod(_)) {
                    paths.visit_item(item);
                }
            }
            for used in paths.found {
                let declared = self.declares(path, &used, 8);
                // One name that leads to a module is a variable of the same name.
                let declared = declared.filter(|found| used.len() > 1 || !found.ends_with(&used));
                if let Some(target) = declared.and_then(|path| self.modules.get(&path)) {
                    uses.entry(file).or_default().insert(&target.file);
                }
            }
            uses.entry(file).or_default().remove(file);
        }
        uses
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Tells if an item declares this name.
fn names(item: &Item, name: &str) -> bool {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return false,
    };
    ident == name
}

/// A name that a `use` brings in; a glob has none.
struct Import {
    name: Option<String>,
    path: Vec<String>,
}

fn imports(module: &Module) -> Vec<Import> {
    let mut found = Vec::new();
    for item in &module.items {
        if let Item::Use(item) = item {
            flatten(&item.tree, &mut Vec::new(), &mut found);
        }
    }
    found
}

fn flatten(tree: &UseTree, before: &mut Vec<String>, found: &mut Vec<Import>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, found);
            before.pop();
        }
        UseTree::Name(name) => {
            let mut path = before.clone();
            let mut name = name.ident.to_string();
            if name == "self" {
                name = before.last().cloned().unwrap_or_default();
            } else {
                path.push(name.clone());
            }
            let name = Some(name);
            found.push(Import { name, path });
        }
        UseTree::Rename(rename) => {
            let mut path = before.clone();
            path.push(rename.ident.to_string());
            let name = Some(rename.rename.to_string());
            found.push(Import { name, path });
        }
        UseTree::Glob(_) => found.push(Import {
            name: None,
            path: before.clone(),
        }),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, before, found);
            }
        }
    }
}

/// The paths in a file's own items: imports, and paths in expressions and types.
#[derive(Default)]
struct Paths {
    found: BTreeSet<Vec<String>>,
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // A re-export is a sign at the door, not a use. If the file itself uses the name, its paths tell.
        if matches!(item.vis, Visibility::Inherited) {
            let mut imports = Vec::new();
            flatten(&item.tree, &mut Vec::new(), &mut imports);
            self.found.extend(imports.into_iter().map(|i| i.path));
        }
    }

    // `pub(crate)` names no file.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.found
                .insert(path.segments.iter().map(|s| s.ident.to_string()).collect());
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            syn::visit::visit_impl_item_fn(self, item);
        }
    }
}

/// The files that reach each other, in groups of two and more.
fn circles<'a>(uses: &BTreeMap<&'a Path, BTreeSet<&'a Path>>) -> Vec<BTreeSet<&'a Path>> {
    let reach = |from: &'a Path| {
        let mut seen = BTreeSet::new();
        let mut next = vec![from];
        while let Some(file) = next.pop() {
            for used in uses.get(file).into_iter().flatten() {
                if seen.insert(*used) {
                    next.push(used);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = uses.keys().map(|file| (*file, reach(file))).collect();
    let groups: BTreeSet<BTreeSet<&Path>> = reached
        .iter()
        .filter(|(file, seen)| seen.contains(*file))
        .map(|(file, seen)| {
            seen.iter()
                .filter(|other| reached[*other].contains(file))
                .copied()
                .collect()
        })
        .collect();
    groups.into_iter().collect()
}

#[test]
fn files_of_a_crate_use_each_other_in_no_circle() {
    let mut wrong = Vec::new();
    for root in crate_roots() {
        let read = Crate::read(&root);
        let uses = read.uses();
        for circle in circles(&uses) {
            if circle.len() > LONGEST {
                let mut lines = vec![format!("a circle of {} files:", circle.len())];
                for file in &circle {
                    let others: Vec<String> = uses[file]
                        .intersection(&circle)
                        .map(|other| short(other))
                        .collect();
                    lines.push(format!("  {} uses {}", short(file), others.join(", ")));
                }
                wrong.push(lines.join("\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The end of a path, from the name of the crate on.
fn short(file: &Path) -> String {
    let text = file.to_string_lossy();
    let (before, behind) = text.split_once("/src/").unwrap_or(("", &text));
    let name = before.rsplit('/').next().unwrap_or_default();
    format!("{name}/{behind}")
}

#[test]
fn a_circle_of_three_is_found_through_a_re_export() {
    let folder = std::env::temp_dir().join(format!("signalbox-circles-{}", std::process::id()));
    fs::create_dir_all(folder.join("b")).unwrap();
    let files = [
        ("lib.rs", "mod a; mod b; mod c; pub use c::C; struct Root;"),
        ("a.rs", "use crate::b::B; struct A;"),
        ("b/mod.rs", "mod d; pub(crate) struct B(super::C);"),
        (
            "b/d.rs",
            "#[cfg(test)] mod tests { use crate::a::A; } fn d(_: super::B) {}",
        ),
        ("c.rs", "pub struct C; fn c() { crate::a::A; }"),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    let read = Crate::read(&folder.join("lib.rs"));
    let uses = read.uses();
    let found: Vec<Vec<String>> = circles(&uses)
        .iter()
        .map(|circle| {
            circle
                .iter()
                .map(|file| file.strip_prefix(&folder).unwrap().to_string_lossy().into_owned())
                .collect()
        })
        .collect();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(found, [["a.rs", "b/mod.rs", "c.rs"]]);
}
