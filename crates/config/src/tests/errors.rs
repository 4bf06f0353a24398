//! The text of every error, as users see it.

use signalbox_core::{BuildError, PluginKind, plugins};

use super::{Fixture, PIPELINE, bad, good, pipeline};
use crate::load_file;

/// The findings of `text`, without the closing count.
fn texts(text: &str) -> Vec<String> {
    bad(text).as_slice().iter().map(ToString::to_string).collect()
}

/// Each input gives exactly these findings.
fn table(cases: &[(&str, String, &[&str])]) {
    for (name, text, expected) in cases {
        assert_eq!(texts(text), *expected, "{name}\n{text}");
    }
}

/// Returns `, expected …` with the names of a kind, including plugins of other tests of this crate.
fn plugin_names(kind: PluginKind) -> String {
    let names: Vec<&str> = plugins()
        .iter()
        .filter(|plugin| plugin.kind == kind)
        .map(|plugin| plugin.name)
        .collect();
    match names.as_slice() {
        [one] => format!("expected '{one}'"),
        many => format!("expected one of {}", many.join(", ")),
    }
}

const SINK_KEYS: &str = "type, inputs, through, integration, consent_categories, consent_when_absent, \
     opt_out_signals, batch, retry, concurrency, timeout, calls_per_minute, rate_group, enabled, hold, on_journal_full, start, was, inputs_removed, retry_timeouts_of_offline, account, token, test, factor, linger, mappings, \
     careless";

#[test]
fn keys() {
    let unknown_key = format!(
        "sinks.pin.acount: unknown field 'acount', expected one of {SINK_KEYS} (did you mean 'account'?)\n  --> \
         p.toml:7:1"
    );
    let misplaced = format!(
        "sinks.pin.max_events: unknown field 'max_events', expected one of {SINK_KEYS}\n  --> p.toml:7:1\n  help: \
         'max_events' belongs in 'batch'"
    );
    table(&[
        (
            "a runtime key in a table of its own",
            pipeline("[sinks.pin.retry]\nmax_backof = \"5s\"\n"),
            &[
                "sinks.pin.retry.max_backof: unknown field 'max_backof', expected one of for, initial_backoff, \
               max_backoff (did you mean 'max_backoff'?)\n  --> p.toml:8:1",
            ],
        ),
        ("a plugin's key", pipeline("acount = \"a2\"\n"), &[&unknown_key]),
        (
            "a key one level too high",
            pipeline("max_events = 5\n"),
            &[&misplaced],
        ),
        (
            "nothing like it is known",
            pipeline(
                "[sources.app]\ntype = \"probe_source\"\nzzz = 1\n[sinks.b]\ntype = \"probe_sink\"\ninputs = [\"app\"]\naccount = \"x\"\n",
            ),
            &[
                "sources.app.zzz: unknown field 'zzz', expected one of type, through, was, only_on, write_keys, port, listen\n  --> p.toml:9:1",
            ],
        ),
        (
            "a missing key points at the table and says what it is for",
            PIPELINE.replace("account = \"a1\"\n", ""),
            &[
                "sinks.pin.account: missing field 'account'\n  --> p.toml:3:1\n  help: account: The account events are \
               delivered to",
            ],
        ),
        (
            "a missing key of the runtime",
            PIPELINE.replace("inputs = [\"web\"]\n", ""),
            &[
                "sinks.pin.inputs: missing field 'inputs'\n  --> p.toml:3:1\n  help: inputs: The sources whose events \
               this sink gets",
            ],
        ),
        (
            "a top-level table",
            pipeline("[sink.b]\n"),
            &[
                "sink: unknown field 'sink', expected one of journal, dead_letters, history, admin, alerts, telemetry, shutdown, sources, transforms, \
               sinks (did you mean 'sinks'?)\n  --> p.toml:7:2",
            ],
        ),
        (
            "a key that needs quotes",
            pipeline("\"a b\\n\" = 1\n"),
            &[&format!(
                "sinks.pin.\"a b\\n\": unknown field 'a b\\n', expected one of {SINK_KEYS}\n  --> p.toml:7:1"
            )],
        ),
    ]);
}

#[test]
fn all_keys_of_the_file_at_once() {
    let text = "\
[sources.web]
type = \"probe_source\"
prot = 1
[sinks.pin]
type = \"probe_sink\"
inputs = [\"web\"]
batch = { max_event = 1, max_wiat = \"1s\" }
[[sinks.pin.mappings]]
fields = []
feilds = []
[admin]
listen = \"127.0.0.1:1\"
";
    let errors = bad(text);
    let paths: Vec<&str> = errors.as_slice().iter().map(|one| one.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "sources.web.prot",
            "sinks.pin.account",
            "sinks.pin.batch.max_event",
            "sinks.pin.batch.max_wiat",
            "sinks.pin.mappings[0].name",
            "sinks.pin.mappings[0].feilds",
        ]
    );
    assert!(errors.to_string().ends_with("\n\n6 errors in p.toml"), "{errors}");
    assert!(bad("[sinks]").to_string().ends_with("\n\n2 errors in p.toml"));
    assert!(bad("").to_string().ends_with("\n\n1 error in p.toml"));
}

#[test]
fn values() {
    table(&[
        (
            "a duration without a unit",
            pipeline("timeout = 5\n"),
            &["sinks.pin.timeout: expected a duration with its unit, such as \"500ms\", \"30s\", \"5m\", \"24h\" or \"7d\", \
               found an integer\n  --> p.toml:7:11"],
        ),
        (
            "a duration that is none",
            pipeline("timeout = \"soon\"\n"),
            &["sinks.pin.timeout: expected a duration with its unit, such as \"500ms\", \"30s\", \"5m\", \"24h\" or \"7d\"\n  \
               --> p.toml:7:11"],
        ),
        (
            "a size",
            pipeline("batch = { max_bytes = 2_000_000 }\n"),
            &["sinks.pin.batch.max_bytes: expected a size with its unit, such as \"2MB\", \"512KiB\" or \"1GB\", found \
               an integer\n  --> p.toml:7:23"],
        ),
        (
            "each component has its own, and the runtime's keys another",
            pipeline("concurrency = 0\ntest = \"yes\"\n[sources.app]\ntype = \"probe_source\"\nport = 70000\n[sinks.b]\ntype = \"probe_sink\"\naccount = 1\ninputs = [\"app\"]\n"),
            &[
                "sinks.pin.concurrency: expected an integer from 1, found an integer that is not\n  --> p.toml:7:15",
                "sinks.pin.test: expected a boolean, found a string\n  --> p.toml:8:8",
                "sources.app.port: expected an integer from 0 to 65535, found an integer that is not\n  --> p.toml:11:8",
                "sinks.b.account: expected a string, found an integer\n  --> p.toml:14:11",
            ],
        ),
        (
            "deep inside a plugin's own struct, at the exact value",
            pipeline("[[sinks.pin.mappings]]\nname = \"a\"\n[[sinks.pin.mappings]]\nname = \"b\"\n[[sinks.pin.mappings]]\nname = \"c\"\nfields = [\"x\",\n  true]\n"),
            &["sinks.pin.mappings[2].fields[1]: expected a string, found a boolean\n  --> p.toml:14:3"],
        ),
        (
            "a list that is none, and a second wrong value of the same component",
            pipeline("factor = \"much\"\n[[sinks.pin.mappings]]\nname = \"a\"\nfields = \"x\"\n"),
            &[
                "sinks.pin.factor: expected a number, found a string\n  --> p.toml:7:10",
                "sinks.pin.mappings[0].fields: expected a list, found a string\n  --> p.toml:10:10",
            ],
        ),
        (
            "one of several",
            pipeline("on_journal_full = \"refused\"\n[transforms.t]\ntype = \"probe_transform\"\nrules = \"pintrest\"\n")
                .replace("inputs = [\"web\"]", "inputs = [\"web\"]\nthrough = [\"t\"]"),
            &[
                "sinks.pin.on_journal_full: unknown value, expected one of refuse, dead_letter_oldest (did you mean \
                 'refuse'?)\n  --> p.toml:8:19",
                "transforms.t.rules: unknown value, expected one of pinterest, nothing (did you mean \
                 'pinterest'?)\n  --> p.toml:11:9",
            ],
        ),
        (
            "an enum with data",
            pipeline("[[sinks.pin.mappings]]\nname = \"a\"\notherwise = { value = { txt = \"x\" } }\n"),
            &[
                "sinks.pin.mappings[0].otherwise.value.text: missing field 'text'\n  --> p.toml:9:23\n  help: text: The value",
                "sinks.pin.mappings[0].otherwise.value.txt: unknown field 'txt', expected 'text' (did you mean \
                 'text'?)\n  --> p.toml:9:25",
            ],
        ),
        (
            "an enum told apart by a tag within",
            pipeline(
                "mappings = [\n{ name = \"a\", trigger = { on = \"track\", event = 3 } },\n{ name = \"b\", trigger = { on = \
                 \"page\", nmber = 3 } },\n{ name = \"c\", trigger = { on = \"pag\" } },\n{ name = \"d\", trigger = { event \
                 = \"x\" } },\n]\n",
            ),
            &[
                "sinks.pin.mappings[0].trigger.event: expected a string, found an integer\n  --> p.toml:8:49",
                "sinks.pin.mappings[1].trigger.number: missing field 'number'\n  --> p.toml:9:25\n  help: number: Its \
                 number",
                "sinks.pin.mappings[1].trigger.nmber: unknown field 'nmber', expected one of on, number (did you mean \
                 'number'?)\n  --> p.toml:9:40",
                "sinks.pin.mappings[2].trigger.on: unknown value, expected one of track, page (did you mean \
                 'page'?)\n  --> p.toml:10:32",
                "sinks.pin.mappings[3].trigger.on: missing field 'on'\n  --> p.toml:11:25",
            ],
        ),
        (
            "limits",
            pipeline("timeout = \"0s\"\nbatch = { max_events = 1001, max_bytes = \"999B\" }\nretry = { initial_backoff = \"2m\" }\n"),
            &[
                "sinks.pin.timeout: must be longer than zero\n  --> p.toml:7:11",
                "sinks.pin.batch.max_events: this type of sink takes at most 1000 records in a batch\n  --> p.toml:8:24",
                "sinks.pin.batch.max_bytes: no record fits into so few bytes\n  --> p.toml:8:42\n  help: set it to 100kB or \
                 more",
                "sinks.pin.retry.initial_backoff: 'initial_backoff' must not be longer than 'max_backoff'\n  --> p.toml:9:29",
            ],
        ),
        (
            "an integer beyond 64 bits",
            pipeline("factor = 99999999999999999999\n"),
            &["sinks.pin.factor: this integer does not fit into 64 bits\n  --> p.toml:7:10"],
        ),
    ]);
}

#[test]
fn types_of_plugins() {
    let (sources, sinks) = (plugin_names(PluginKind::Source), plugin_names(PluginKind::Sink));
    table(&[
        (
            "unknown, near to one",
            PIPELINE.replace("probe_sink", "prob_sink"),
            &[&format!(
                "sinks.pin.type: unknown type of sink, {sinks} (did you mean 'probe_sink'?)\n  --> p.toml:4:8"
            )],
        ),
        (
            "unknown, near to none",
            PIPELINE.replace("probe_source", "kafka-cluster-7"),
            &[&format!(
                "sources.web.type: unknown type of source, {sources}\n  --> p.toml:2:8"
            )],
        ),
        (
            "missing",
            PIPELINE.replace("type = \"probe_sink\"\n", ""),
            &[&format!(
                "sinks.pin.type: missing field 'type', {sinks}\n  --> p.toml:3:1"
            )],
        ),
        (
            "no string",
            PIPELINE.replace("\"probe_sink\"", "3"),
            &["sinks.pin.type: expected a string, found an integer\n  --> p.toml:4:8"],
        ),
        (
            "of another kind",
            PIPELINE.replace("probe_sink", "probe_transform"),
            &[
                "sinks.pin.type: 'probe_transform' is a transform, not a sink\n  --> p.toml:4:8\n  help: it belongs in a \
               table [transforms.NAME]",
            ],
        ),
    ]);
}

#[test]
fn names() {
    let t = "[transforms.hash]\ntype = \"probe_transform\"\n";
    table(&[
        (
            "an input nobody provides; the one that was meant is not unused as well",
            PIPELINE.replace("[\"web\"]", "[\"wbe\"]"),
            &[
                "sinks.pin.inputs[0]: there is no source of this name, expected 'web' (did you mean 'web'?)\n  --> \
               p.toml:5:11",
            ],
        ),
        (
            "a transform among the inputs",
            PIPELINE.replace("[\"web\"]", "[\"hash\"]") + t,
            &[
                "sinks.pin.inputs[0]: 'hash' is a transform, not a source\n  --> p.toml:5:11\n  help: 'inputs' names \
               sources; name transforms in 'through'",
            ],
        ),
        (
            "through nothing that exists",
            pipeline("through = [\"hsah\", \"limit\"]\n") + t,
            &[
                "sinks.pin.through[0]: there is no transform of this name, expected 'hash' (did you mean \
                 'hash'?)\n  --> p.toml:7:12",
                "sinks.pin.through[1]: there is no transform of this name, expected 'hash'\n  --> p.toml:7:20",
            ],
        ),
        (
            "through a source, and on a source",
            PIPELINE.replace(
                "probe_source\"\n",
                "probe_source\"\nthrough = [\"web\", \"gone\"]\n",
            ),
            &[
                "sources.web.through[0]: 'web' is a source, not a transform\n  --> p.toml:3:12",
                "sources.web.through[1]: there is no transform of this name\n  --> p.toml:3:19",
            ],
        ),
        (
            "nobody uses it",
            pipeline("[sources.app]\ntype = \"probe_source\"\n") + t,
            &[
                "sources.app: no sink takes the events of this source\n  --> p.toml:7:1\n  help: name it in 'inputs' of \
                 a sink, or take it out",
                "transforms.hash: no source or sink uses this transform\n  --> p.toml:9:1\n  help: name it in 'through' \
                 of a source or a sink, or take it out",
            ],
        ),
        (
            "no input",
            PIPELINE.replace("[\"web\"]", "[]"),
            &[
                "sinks.pin.inputs: a sink needs at least one input\n  --> p.toml:5:10\n  help: name the sources whose \
               events it shall get",
            ],
        ),
        (
            "an input twice",
            PIPELINE.replace("[\"web\"]", "[\"web\", \"web\"]"),
            &["sinks.pin.inputs[1]: this source is named twice\n  --> p.toml:5:18"],
        ),
        (
            "two components of one name",
            pipeline("through = [\"web\"]\n[transforms.web]\ntype = \"probe_transform\"\n")
                .replace("through = [\"web\"]\n", ""),
            &[
                "transforms.web: 'web' is already the name of a source\n  --> p.toml:7:1\n  help: the source is at line \
                 1; every component needs a name of its own",
                "transforms.web: no source or sink uses this transform\n  --> p.toml:7:1\n  help: name it in 'through' \
                 of a source or a sink, or take it out",
            ],
        ),
        (
            "a name that is no name",
            PIPELINE.replace("[sinks.pin]", "[sinks.\"p n\"]"),
            &[
                "sinks.\"p n\": this name cannot be used\n  --> p.toml:3:8\n  help: names are made of the letters a to \
               z, digits, '_' and '-'; they become metric labels",
            ],
        ),
        (
            "no sink: the source is not called unused as well",
            "[sources.web]\ntype = \"probe_source\"\n".to_owned(),
            &[
                "sinks: no sink is defined\n  --> p.toml:1:1\n  help: a pipeline needs at least one: add a table \
               [sinks.NAME]",
            ],
        ),
        (
            "nothing at all",
            "# soon\n".to_owned(),
            &[
                "the file defines nothing\n  --> p.toml:1:1\n  help: a pipeline needs a source and a sink; 'signalbox \
               init' writes one to start from",
            ],
        ),
    ]);
}

#[test]
fn tables_that_are_none() {
    table(&[
        (
            "double brackets",
            PIPELINE.replace("[sinks.pin]", "[[sinks.pin]]"),
            &[
                "sinks.pin: expected a table, found a list\n  --> p.toml:3:1\n  help: write [sinks.pin] in single \
               brackets",
            ],
        ),
        (
            "a value for a component",
            "sinks.pin = 3\n[sources]\n".to_owned(),
            &[
                "sinks.pin: expected a table, found an integer\n  --> p.toml:1:13\n  help: give each sink a table of \
                 its own: [sinks.NAME]",
                "sources: no source is defined\n  --> p.toml:2:2\n  help: a pipeline needs at least one: add a table \
                 [sources.NAME]",
            ],
        ),
        (
            "a value for a section",
            format!("journal = \"memory\"\n{PIPELINE}"),
            &[
                "journal: expected a table, found a string\n  --> p.toml:1:11\n  help: write it as a table: [journal]",
            ],
        ),
    ]);
}

#[test]
fn sections() {
    table(&[
        (
            "a journal that holds nothing",
            pipeline("[journal]\nmax_bytes = \"1kB\"\n"),
            &["journal.max_bytes: must be at least 10kB\n  --> p.toml:8:13"],
        ),
        (
            "a kind of journal nobody knows",
            pipeline("[journal]\ntype = \"mem\"\n"),
            &["journal.type: unknown value, expected one of memory, disk, nats\n  --> p.toml:8:8"],
        ),
        (
            "an open admin address",
            pipeline("[admin]\nlisten = \"0.0.0.0:9090\"\n"),
            &[
                "admin.listen: an address that other machines can reach needs a token\n  --> p.toml:8:10\n  help: set \
               admin.token, for instance to \"${file:/path}\", or listen on 127.0.0.1",
            ],
        ),
        (
            "an address that is none",
            pipeline("[admin]\nlisten = \"localhost\"\ntoken = \"\"\n"),
            &[
                "admin.listen: expected an IP address with a port, such as \"127.0.0.1:9090\", found a string that is \
               not\n  --> p.toml:8:10",
            ],
        ),
        (
            "an empty token",
            pipeline("[admin]\nlisten = \"127.0.0.1:9090\"\ntoken = \"\"\n"),
            &["admin.token: must not be empty\n  --> p.toml:9:9"],
        ),
        (
            "telemetry",
            pipeline("[telemetry]\notlp_endpoint = \"collector:4318\"\ninterval = \"0s\"\n"),
            &[
                "telemetry.otlp_endpoint: expected a URL that begins with http:// or https://\n  --> p.toml:8:17",
                "telemetry.interval: must be longer than zero\n  --> p.toml:9:12",
            ],
        ),
    ]);
}

#[test]
fn what_toml_refuses() {
    table(&[
        (
            "a table twice",
            pipeline("[sinks.pin]\ntype = \"probe_sink\"\n"),
            &[
                "sinks.pin: the table 'sinks.pin' is defined twice\n  --> p.toml:7:8\n  help: it is also at line 3; give \
               one of the two another name, or make them one",
            ],
        ),
        (
            "a key twice",
            pipeline("account = \"a2\"\n"),
            &["account: 'account' is set twice in this table\n  --> p.toml:7:1\n  help: keep one of the two"],
        ),
        (
            "no quotes; and all syntax errors, not only the first",
            "a = yes\nb = \nc = [1, , 2]\n= 3\n".to_owned(),
            &[
                "this value is not TOML; a text needs quotes\n  --> p.toml:1:5\n  help: write \"text\"; numbers, true \
                 and false go without quotes",
                "a value is missing after '='\n  --> p.toml:2:5",
                "this is not TOML: extra comma in array, expected value\n  --> p.toml:3:9",
                "this is not TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`\n  --> p.toml:4:1",
            ],
        ),
    ]);
}

#[test]
fn columns_are_characters_and_lines_may_end_with_crlf() {
    let crlf = pipeline("batch = { max_events = \"ten\" }\n").replace('\n', "\r\n");
    assert_eq!(
        texts(&crlf),
        ["sinks.pin.batch.max_events: expected an integer from 1, found a string\n  --> p.toml:7:24"]
    );
    // Two-, three- and four-byte characters before the value each count as one column.
    let wide = pipeline("mappings = [{ name = \"ä€🛒\", fields = 3 }]\n");
    assert_eq!(
        texts(&wide),
        ["sinks.pin.mappings[0].fields: expected a list, found an integer\n  --> p.toml:7:38"]
    );
    let marked = format!("\u{feff}x = 1\n{PIPELINE}");
    let first = bad(&marked)
        .as_slice()
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    assert!(
        first.starts_with("x: unknown field 'x'") && first.ends_with("--> p.toml:1:1"),
        "{first}"
    );
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.toml");
    let missing = load_file(&path, &Fixture::default())
        .expect_err("no file")
        .to_string();
    assert!(missing.starts_with("the file cannot be read: "), "{missing}");
    std::fs::write(&path, b"a = 1\nb = \"\xff\"\n").expect("written");
    let broken = load_file(&path, &Fixture::default())
        .expect_err("no UTF-8")
        .to_string();
    assert!(broken.starts_with("the file is not UTF-8\n"), "{broken}");
    assert!(broken.contains("p.toml:2:6\n"), "{broken}");
    std::fs::write(&path, PIPELINE).expect("written");
    assert!(load_file(&path, &Fixture::default()).is_ok());
}

#[test]
fn later_stages_point_into_the_file_too() {
    let config = good(&pipeline("[[sinks.pin.mappings]]\nname = \"a\"\n"));
    let origin = &config.origin;
    let show = |component: &str, error: BuildError| origin.build_error(component, &error).to_string();
    assert_eq!(
        show(
            "sinks.pin",
            BuildError::new("mappings.0.name", "is reserved").help("take another")
        ),
        "sinks.pin.mappings[0].name: is reserved\n  --> p.toml:8:8\n  help: take another"
    );
    // A setting left to its default is placed at the table around it.
    assert_eq!(
        show(
            "sinks.pin",
            BuildError::new("mappings[0].fields", "must not be empty")
        ),
        "sinks.pin.mappings[0].fields: must not be empty\n  --> p.toml:7:1"
    );
    assert_eq!(
        show("sinks.pin", BuildError::new("", "does not fit")),
        "sinks.pin: does not fit\n  --> p.toml:3:1"
    );
    let all = origin.diagnostics(vec![
        origin.diagnostic("sinks.pin", "second", None),
        origin.diagnostic("sources.web", "first", None),
    ]);
    assert_eq!(
        all.to_string(),
        "sources.web: first\n  --> p.toml:1:1\n\nsinks.pin: second\n  --> p.toml:3:1\n\n2 errors in p.toml"
    );
}
