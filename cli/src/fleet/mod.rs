//! What commands over many captures share: lists of inputs, the folder of their outputs, options in words, and the table
//! of how each capture ended.

pub(crate) mod folder;
pub(crate) mod inputs;
pub(crate) mod options;
pub(crate) mod status;
