//! Progress bars for work that takes long. Without a terminal there are none.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error, gone once it is dropped.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// Starts a bar for this many things.
    pub(super) fn of(what: &'static str, total: u64) -> Bar {
        let bar = ProgressBar::new(total).with_message(what);
        // If the template is wrong, the bar keeps its usual one.
        if let Ok(style) =
            ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len}, {eta} left")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Bar(bar)
    }

    /// True if a bar would not be visible, so that its total need not be counted.
    pub(super) fn is_hidden() -> bool {
        ProgressBar::new(1).is_hidden()
    }

    pub(super) fn add(&self, done: u64) {
        self.0.inc(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
