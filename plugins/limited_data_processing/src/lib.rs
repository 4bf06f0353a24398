//! The limited_data_processing plugin of Signalbox.
