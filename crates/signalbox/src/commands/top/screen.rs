//! `top` on a terminal: the whole screen, redrawn with each look.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Gauge, Paragraph, Row, Table};
use ratatui::{DefaultTerminal, Frame};
use signalbox_core::escape::plain;
use tokio::sync::mpsc;

use super::figures::{Figures, SINKS, SOURCES};

/// Time after which the reader of keys looks whether it shall end.
const PATIENCE: Duration = Duration::from_millis(200);

/// An act of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Did {
    /// Asked for the end: `q`, Esc or Ctrl-C.
    Quit,
    /// Changed the size of the terminal.
    Resize,
}

/// The screen. The terminal is as before once this is dropped.
pub(super) struct Screen {
    terminal: DefaultTerminal,
    ended: Arc<AtomicBool>,
    did: mpsc::Receiver<Did>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// The terminal's.
    pub(super) fn open() -> io::Result<Screen> {
        let terminal = ratatui::try_init()?;
        let ended = Arc::new(AtomicBool::new(false));
        let (sender, did) = mpsc::channel(16);
        let end = ended.clone();
        std::thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || read_keys(&end, &sender))?;
        Ok(Screen { terminal, ended, did })
    }

    /// Draws figures; `problem` is the reason why they are old.
    ///
    /// # Errors
    /// The terminal's.
    pub(super) fn draw(&mut self, figures: &Figures, problem: Option<&str>) -> io::Result<()> {
        self.terminal.draw(|frame| draw(frame, figures, problem))?;
        Ok(())
    }

    /// Waits until the user does something. Cancel safe.
    pub(super) async fn did(&mut self) -> Did {
        // The reader ends with the terminal.
        self.did.recv().await.unwrap_or(Did::Quit)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.ended.store(true, Relaxed);
        ratatui::restore();
    }
}

fn read_keys(ended: &AtomicBool, did: &mpsc::Sender<Did>) {
    while !ended.load(Relaxed) {
        let event = match event::poll(PATIENCE) {
            Ok(true) => event::read(),
            Ok(false) => continue,
            // Without keys it ends, rather than run without a way out.
            Err(_) => break,
        };
        if let Ok(event) = event
            && let Some(what) = meaning(&event)
            && did.blocking_send(what).is_err()
        {
            break;
        }
    }
}

fn meaning(event: &Event) -> Option<Did> {
    match event {
        Event::Resize(..) => Some(Did::Resize),
        Event::Key(key) if key.kind == KeyEventKind::Press => match key.code {
            KeyCode::Char('q') | KeyCode::Esc => Some(Did::Quit),
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Did::Quit),
            _ => None,
        },
        _ => None,
    }
}

fn draw(frame: &mut Frame<'_>, figures: &Figures, problem: Option<&str>) {
    let rows = |rows: usize| Constraint::Length(u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(3));
    let [head, journal, sources, sinks, holds, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        rows(figures.sources.len()),
        rows(figures.sinks.len()),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(
        Paragraph::new(plain(&figures.head).into_owned()).style(Modifier::BOLD),
        head,
    );
    let gauge = Gauge::default()
        .ratio(figures.fill)
        .label(figures.journal.clone())
        .gauge_style(Style::new().fg(level(figures.fill)));
    frame.render_widget(gauge, journal);
    frame.render_widget(table("Sources", SOURCES, &figures.sources), sources);
    frame.render_widget(table("Sinks", SINKS, &figures.sinks), sinks);
    let lines = figures
        .holds
        .iter()
        .map(|hold| Line::raw(plain(hold).into_owned()));
    let lines: Vec<Line<'_>> = lines.collect();
    let told = Paragraph::new(lines).style(Color::Yellow);
    frame.render_widget(told.wrap(ratatui::widgets::Wrap { trim: true }), holds);
    let foot_text = match problem {
        Some(problem) => format!("{}; q quits", plain(problem)),
        None => "q quits".to_owned(),
    };
    frame.render_widget(Paragraph::new(foot_text), foot);
}

/// Returns the colour of a fill; the label tells the same in words.
fn level(fill: f64) -> Color {
    match fill {
        ..0.7 => Color::Green,
        0.7..0.9 => Color::Yellow,
        _ => Color::Red,
    }
}

fn table<'t>(title: &'t str, head: &'t str, rows: &'t [Vec<String>]) -> Table<'t> {
    let names: Vec<&str> = head.split(' ').collect();
    // As wide as the widest cell, so that nothing is cut off while there is room.
    let widths = names.iter().enumerate().map(|(column, name)| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).chain([name.len()]).max();
        Constraint::Length(u16::try_from(widest.unwrap_or(0)).unwrap_or(u16::MAX))
    });
    let shown = rows.iter().map(|row| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let cell = plain(cell).into_owned();
            match column {
                0 => Cell::new(cell),
                _ => Cell::new(Line::raw(cell).right_aligned()),
            }
        });
        let style = match row.last().map(String::as_str) {
            Some("held") => Style::new().fg(Color::Yellow),
            Some("disabled") => Style::new().add_modifier(Modifier::DIM),
            _ => Style::new(),
        };
        Row::new(cells).style(style)
    });
    let head = names.iter().enumerate().map(|(column, name)| match column {
        0 => Cell::new(*name),
        _ => Cell::new(Line::raw(*name).right_aligned()),
    });
    Table::new(shown, widths.collect::<Vec<_>>())
        .header(Row::new(head).style(Modifier::DIM))
        .column_spacing(2)
        .block(Block::bordered().title(title))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::KeyEvent;

    use super::super::figures::tests::look;
    use super::*;

    #[test]
    fn the_screen_shows_the_figures_and_is_escaped() {
        let begun = Instant::now();
        let later = begun + Duration::from_secs(2);
        let mut figures = Figures::of(&look(begun, "a", 10, 5), &look(later, "a", 25, 5));
        figures.holds.push("ads: \u{1b}[2J".to_owned());
        let mut terminal = Terminal::new(TestBackend::new(110, 20)).unwrap();
        terminal
            .draw(|frame| draw(frame, &figures, Some("the router does not answer")))
            .unwrap();
        let shown = terminal.backend().to_string();
        for wanted in [
            "Signalbox 1.0.0",
            "1.5MB of 2.0GB",
            "received/s",
            "7.5",
            "1,200",
            "held: the token",
            "q quits",
            "\\u{1b}",
        ] {
            assert!(shown.contains(wanted), "{wanted}\n{shown}");
        }
        // A small terminal shows less, and that is all.
        let mut small = Terminal::new(TestBackend::new(12, 3)).unwrap();
        small.draw(|frame| draw(frame, &figures, None)).unwrap();
    }

    #[test]
    fn q_escape_and_control_c_end_it() {
        let key = |code, modifiers| meaning(&Event::Key(KeyEvent::new(code, modifiers)));
        assert_eq!(key(KeyCode::Char('q'), KeyModifiers::NONE), Some(Did::Quit));
        assert_eq!(key(KeyCode::Esc, KeyModifiers::NONE), Some(Did::Quit));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Did::Quit));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::NONE), None);
        assert_eq!(meaning(&Event::Resize(1, 1)), Some(Did::Resize));
    }
}
