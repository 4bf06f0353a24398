//! The golden cases. `VECTORS_DIR` names another folder with the same layout; then nothing but the cases counts.

use signalbox_testkit::golden;

use crate::support::TikTokCases;

#[test]
fn tiktok_vectors() {
    golden::vectors(&TikTokCases);
}
