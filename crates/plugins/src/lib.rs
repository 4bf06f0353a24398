//! Links every plugin that ships with Signalbox.
