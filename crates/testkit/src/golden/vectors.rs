//! `compat = "segment"` makes what Segment's destination makes.

use std::collections::BTreeMap;

use signalbox_conversions::Compat;

use super::case::{Case, Golden, GoldenResult, known_failures, pairs, same};
use super::run::{Made, Ran, run};
use super::vendor::{GoldenVendor, kind, kind_of_code};

/// Compares our results with Segment's, and says where they differ first.
fn check<G: GoldenVendor>(golden: &Golden, ran: &[Ran]) -> Result<(), String> {
    for (results, ran) in golden.results().into_iter().zip(ran) {
        match ran {
            Ran::Made(made) => check_made::<G>(results, made)?,
            Ran::NoEvent(found) => match (results.first(), found) {
                (None, None) => {}
                (None, Some(_)) => return Err("expected nothing".into()),
                (Some(result), found) => check_kind::<G>(result, found.unwrap_or("nothing"))?,
            },
        }
    }
    Ok(())
}

fn check_made<G: GoldenVendor>(results: &[GoldenResult], made: &[(String, Made)]) -> Result<(), String> {
    let wanted: Vec<&str> = results.iter().map(|result| result.preset.as_str()).collect();
    let found: Vec<&str> = made.iter().map(|(preset, _)| preset.as_str()).collect();
    if wanted != found {
        return Err(format!("expected results of {wanted:?}, made {found:?}"));
    }
    for (result, (preset, made)) in results.iter().zip(made) {
        let checked = match made {
            Made::Sent(_, body) => match result.body() {
                Ok(wanted) if same(wanted, body) => Ok(()),
                Ok(wanted) => Err(format!("expected {wanted}, made {body}")),
                Err(error) => Err(format!("expected a {} error, made a record", kind::<G>(error))),
            },
            Made::Refused(code, _) => check_kind::<G>(result, kind_of_code::<G>(code)),
            Made::Broken(found) => check_kind::<G>(result, found),
        };
        checked.map_err(|why| format!("{preset}: {why}"))?;
    }
    Ok(())
}

fn check_kind<G: GoldenVendor>(result: &GoldenResult, found: &str) -> Result<(), String> {
    match result.body() {
        Err(error) if kind::<G>(error) == found => Ok(()),
        Err(error) => Err(format!("expected a {} error, found {found}", kind::<G>(error))),
        Ok(_) => Err(format!("refused: {found}")),
    }
}

/// Runs all cases with `compat = "segment"` and prints `name: passed/total`. A case whose settings our
/// configuration refuses is passed if Segment fails all its events, and not counted otherwise.
///
/// # Panics
/// If a case fails that is not listed in `known_failures.txt`, or one that is listed does not fail.
pub fn vectors<G: GoldenVendor>(vendor: &G) {
    let name = G::NAME;
    let (pairs, unreadable) = pairs::<G>("cases.jsonl", "golden.jsonl");
    assert_eq!(unreadable, 0);
    let mut counted = 0;
    let mut failures: BTreeMap<&str, String> = BTreeMap::new();
    for (Case { name: case, .. }, golden, ran) in pairs
        .iter()
        .map(|(case, golden)| (case, golden, run(vendor, case, Compat::Segment)))
    {
        let checked = match ran {
            Ok(ran) => check::<G>(golden, &ran),
            // Segment fails each event, and our configuration is refused before the first one: nothing is sent by either.
            Err(_) if golden.is_refused() => Ok(()),
            Err(_) => {
                println!("{name} {case}: our configuration refuses these settings, so it is not counted");
                continue;
            }
        };
        counted += 1;
        if let Err(why) = checked {
            failures.insert(case, why);
        }
    }
    println!("\n{name}: {}/{counted}", counted - failures.len());
    for (case, why) in &failures {
        println!("{name} {case}: {why}");
    }
    let known = known_failures::<G>();
    let unknown: Vec<_> = failures
        .keys()
        .filter(|case| !known.contains_key(**case))
        .collect();
    assert!(unknown.is_empty(), "these fail and are not listed: {unknown:#?}");
    if std::env::var_os("VECTORS_DIR").is_none() {
        let fixed: Vec<_> = known
            .keys()
            .filter(|case| !failures.contains_key(case.as_str()))
            .collect();
        assert!(fixed.is_empty(), "these are listed and do not fail: {fixed:#?}");
    }
}

/// Runs the cases of `cases.extra.jsonl`, some of whose lines are no strict JSON, and prints the results.
///
/// # Panics
/// If no line can be read.
pub fn extra_vectors<G: GoldenVendor>(vendor: &G) {
    let name = G::NAME;
    let (pairs, unreadable) = pairs::<G>("cases.extra.jsonl", "golden.extra.jsonl");
    for (case, golden) in &pairs {
        let result = run(vendor, case, Compat::Segment).and_then(|ran| check::<G>(golden, &ran));
        let result = result.err().unwrap_or_else(|| "as Segment".into());
        println!("{name} extra {}: {result}", case.name);
    }
    let lines = pairs.len() + unreadable;
    println!("{name} extra: {lines} lines, {unreadable} of them no strict JSON");
    assert!(!pairs.is_empty());
}
