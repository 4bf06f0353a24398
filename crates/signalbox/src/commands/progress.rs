//! Progress bars for work that takes long. Without a terminal there are none.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// Starts a bar on standard error, gone once it is dropped. `total` is counted only if the bar is visible.
pub(super) async fn bar(
    what: &'static str,
    total: impl Future<Output = Result<u64, String>>,
) -> Result<ProgressBar, String> {
    let bar = ProgressBar::new(0)
        .with_message(what)
        .with_finish(ProgressFinish::AndClear);
    if bar.is_hidden() {
        return Ok(bar);
    }
    // If the template is wrong, the bar keeps its usual one.
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len}, {eta} left") {
        bar.set_style(style);
    }
    // The first drawing, in the style set above.
    bar.set_length(total.await?);
    bar.enable_steady_tick(Duration::from_millis(250));
    Ok(bar)
}
