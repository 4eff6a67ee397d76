//! `procmon_pml._native`: the part of the Python package that is written in Rust. `python/procmon_pml/__init__.pyi` says
//! what each item is.

mod captures;
mod error;
mod interrupt;
mod log;
mod place;
mod program;
mod report;
mod table;

use pyo3::prelude::*;

/// The module.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // No handler of signals is installed unless `mmap=True` asks for it.
    pml_parser::parts::search_without_maps();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("PmlError", module.py().get_type::<error::PmlError>())?;
    module.add_class::<captures::Capture>()?;
    module.add_class::<log::Log>()?;
    module.add_class::<log::Events>()?;
    module.add_class::<log::EventIterator>()?;
    module.add_class::<table::Stream>()?;
    module.add_class::<table::Table>()?;
    module.add_class::<report::Report>()?;
    module.add_function(wrap_pyfunction!(log::open, module)?)?;
    module.add_function(wrap_pyfunction!(report::report, module)?)?;
    module.add_function(wrap_pyfunction!(captures::captures, module)?)?;
    module.add_function(wrap_pyfunction!(captures::parts, module)?)?;
    module.add_function(wrap_pyfunction!(captures::ids, module)?)?;
    module.add_function(wrap_pyfunction!(captures::check, module)?)?;
    module.add_function(wrap_pyfunction!(log::empty, module)?)?;
    module.add_function(wrap_pyfunction!(log::tables, module)?)?;
    module.add_function(wrap_pyfunction!(log::columns, module)?)?;
    module.add_function(wrap_pyfunction!(program::program, module)?)
}
