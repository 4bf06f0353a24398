//! `signalbox top`

mod figures;
mod screen;

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use signalbox_admin::{Query, table};
use signalbox_core::escape::plain_lines;
use tokio::time::{Interval, MissedTickBehavior};

use self::figures::{Figures, Look, SINKS, SOURCES};
use self::screen::{Did, Screen};
use super::admin_client::{AdminClient, Live};
use crate::cli::TopArgs;
use crate::exit::{self, Code, Failure};
use crate::terminal::{print, tell};

/// Shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(100);

pub(crate) async fn run(args: &TopArgs) -> Result<Code, Failure> {
    let live = AdminClient::running(&args.config.config).await?;
    let on_screen = !args.once && std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    let mut turns = tokio::time::interval(args.interval.0.max(SHORTEST));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    turns.tick().await;
    let first = look(&live).await?;
    match on_screen {
        true => redraw(&live, turns, first).await,
        false => list(&live, turns, first, args.once).await,
    }
}

async fn look(live: &Live) -> Result<Look, String> {
    let status = live.get("/status", &Query::default()).await?;
    let at = Instant::now();
    Ok(Look { at, status })
}

/// Draws the whole screen with each look, until the user ends it.
async fn redraw(live: &Live, mut turns: Interval, first: Look) -> Result<Code, Failure> {
    let explain = |error: std::io::Error| format!("the terminal cannot be used: {error}");
    let mut screen = Screen::open().map_err(explain)?;
    let mut figures = Figures::of(&first, &first);
    let (mut last, mut problem) = (first, None);
    loop {
        screen.draw(&figures, problem.as_deref()).map_err(explain)?;
        tokio::select! {
            did = screen.did() => {
                if did == Did::Quit {
                    return Ok(exit::OK);
                }
            }
            _ = turns.tick() => match look(live).await {
                Ok(now) => {
                    figures = Figures::of(&last, &now);
                    (last, problem) = (now, None);
                }
                // It may be restarting.
                Err(told) => problem = Some(told),
            }
        }
    }
}

/// Prints plain lines for each look, or for one.
async fn list(live: &Live, mut turns: Interval, first: Look, once: bool) -> Result<Code, Failure> {
    let mut last = first;
    loop {
        turns.tick().await;
        let now = match look(live).await {
            Ok(now) => now,
            Err(problem) if once => return Err(problem.into()),
            Err(problem) => {
                // It may be restarting.
                tell(&problem);
                continue;
            }
        };
        let block = block(Figures::of(&last, &now));
        if !print(&format!("{}\n", plain_lines(&block))) || once {
            return Ok(exit::OK);
        }
        last = now;
    }
}

fn block(figures: Figures) -> String {
    let mut out = format!("{}; {}\n", figures.head, figures.journal);
    table(&mut out, SOURCES, figures.sources);
    table(&mut out, SINKS, figures.sinks);
    for hold in figures.holds {
        out.push_str(&hold);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::figures::tests::look;
    use super::*;

    #[test]
    fn lines_hold_the_figures_and_the_holds() {
        let begun = Instant::now();
        let later = begun + Duration::from_secs(2);
        let told = block(Figures::of(&look(begun, "a", 10, 5), &look(later, "a", 25, 5)));
        assert!(
            told.starts_with("Signalbox 1.0.0, up 61 s, ready; journal: 1,200 events, 1.5MB of 2.0GB\n"),
            "{told}"
        );
        let row = told.lines().find(|line| line.starts_with("web")).unwrap();
        assert_eq!(row.split_whitespace().nth(1), Some("7.5"), "{told}");
        assert!(
            told.ends_with("ads: held: the token was refused (unauthorized)\n"),
            "{told}"
        );
    }
}
