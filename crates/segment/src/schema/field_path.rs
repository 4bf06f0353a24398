//! The path of a value in a payload, formatted only for reports.

/// A path as a list linked through the stack: the last step and the path above it.
#[derive(Clone, Copy)]
pub(crate) struct FieldPath<'p> {
    above: Option<&'p FieldPath<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Root,
    Key(&'p str),
    Index(usize),
}

impl<'p> FieldPath<'p> {
    pub(crate) const ROOT: FieldPath<'static> = FieldPath {
        above: None,
        step: Step::Root,
    };

    pub(crate) fn key(&'p self, key: &'p str) -> FieldPath<'p> {
        FieldPath {
            above: Some(self),
            step: Step::Key(key),
        }
    }

    pub(crate) fn index(&'p self, index: usize) -> FieldPath<'p> {
        FieldPath {
            above: Some(self),
            step: Step::Index(index),
        }
    }

    /// Formats the path: `custom_data.contents[1].item_price`; empty for the root.
    pub(crate) fn dotted(&self) -> String {
        let mut path = self.above.map_or_else(String::new, FieldPath::dotted);
        match self.step {
            Step::Root => {}
            Step::Key(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
            }
            Step::Index(index) => path.push_str(&format!("[{index}]")),
        }
        path
    }

    /// Returns the subject of a message: the label, or the path as a JSON pointer.
    pub(crate) fn subject(&self, label: Option<&str>) -> String {
        if let Some(label) = label.filter(|label| !label.is_empty()) {
            let mut chars = label.chars();
            return chars
                .next()
                .into_iter()
                .flat_map(char::to_uppercase)
                .chain(chars)
                .collect();
        }
        match self.step {
            Step::Root => "The root value".into(),
            _ => format!("The value at {}", self.pointer()),
        }
    }

    fn pointer(&self) -> String {
        let mut pointer = self.above.map_or_else(String::new, FieldPath::pointer);
        match self.step {
            Step::Root => {}
            Step::Key(key) => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Step::Index(index) => pointer.push_str(&format!("/{index}")),
        }
        pointer
    }
}
