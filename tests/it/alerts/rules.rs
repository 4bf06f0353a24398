//! The rules of docs/prometheus/alerts.yml, whose lines have a fixed form.

const FILE: &str = include_str!("../../../docs/prometheus/alerts.yml");

/// The lines of a rule.
const LINES: usize = 8;

/// An alert.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) expression: &'static str,
    /// The time for which the expression must hold.
    pub(super) pending: &'static str,
    pub(super) severity: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
}

/// Reads the rules.
///
/// # Panics
/// If a line has another form.
pub(super) fn rules() -> Vec<Rule> {
    let lines: Vec<&str> = FILE.lines().filter(|line| !line.starts_with('#')).collect();
    let (head, rules) = lines.split_at(3);
    assert_eq!(head, ["groups:", "  - name: signalbox", "    rules:"]);
    assert_eq!(rules.len() % LINES, 0, "each rule has {LINES} lines");
    rules.chunks(LINES).map(rule).collect()
}

fn rule(lines: &[&'static str]) -> Rule {
    let field = |at: usize, key: &str| -> &'static str {
        let value = lines[at].strip_prefix(key);
        value.unwrap_or_else(|| panic!("{key:?} wanted, not {:?}", lines[at]))
    };
    let text = |at: usize, key: &str| -> &'static str {
        let quoted = field(at, key).strip_prefix('"');
        let text = quoted.and_then(|rest| rest.strip_suffix('"'));
        text.unwrap_or_else(|| panic!("a text in quotes wanted, not {:?}", lines[at]))
    };
    assert_eq!((lines[3], lines[5]), ("        labels:", "        annotations:"));
    Rule {
        name: field(0, "      - alert: "),
        expression: field(1, "        expr: "),
        pending: field(2, "        for: "),
        severity: field(4, "          severity: "),
        summary: text(6, "          summary: "),
        description: text(7, "          description: "),
    }
}

impl Rule {
    /// The labels that its annotations quote.
    pub(super) fn quoted_labels(&self) -> Vec<&'static str> {
        let texts = [self.summary, self.description].into_iter();
        let quotes = texts.flat_map(|text| text.split("{{ $labels.").skip(1));
        quotes
            .map(|rest| rest.split_once(" }}").expect("a quoted label ends").0)
            .collect()
    }
}

#[test]
fn rules_are_well_formed() {
    for rule in rules() {
        let name = rule.name;
        let camel = name
            .strip_prefix("Signalbox")
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(camel, "{name}");
        // A plain scalar of YAML.
        let expression = rule.expression;
        let plain = !expression.contains(": ") && !expression.contains(" #");
        assert!(
            plain && expression.starts_with(|c: char| c.is_ascii_lowercase()),
            "{name}"
        );
        let (number, unit) = rule.pending.split_at(rule.pending.len() - 1);
        assert!(
            number.parse::<u32>().is_ok() && ["m", "h", "d"].contains(&unit),
            "{name}"
        );
        assert!(["critical", "warning"].contains(&rule.severity), "{name}");
        assert!(!rule.summary.is_empty() && !rule.description.is_empty(), "{name}");
    }
}
