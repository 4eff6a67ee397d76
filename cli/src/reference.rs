//! Output that is generated from definitions: the schema, completions, the manual.

use crate::args::Args;
use crate::failure::Failure;
use crate::fleet::status;
use crate::status::{Done, stdout_done};
use crate::tables;
use clap::CommandFactory;
use pml_analyzer::verdicts::VERDICTS;
use std::io::{self, Write};

/// `pml schema`.
pub(crate) fn schema() -> Result<Done, Failure> {
    let page = pml_parser::arrow::schema::markdown()
        + &tables::markdown()
        + &tables::page(&tables::page_of(&status::TABLE))
        + &tables::page(&tables::page_of(&VERDICTS));
    stdout_done(io::stdout().write_all(page.as_bytes()))
}

/// `pml completions`.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Done, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "pml", &mut script);
    stdout_done(io::stdout().write_all(&script))
}

/// `pml man`: one page, with a section for each command.
pub(crate) fn man() -> Result<Done, Failure> {
    let mut page = Vec::new();
    let result = render_man(&mut page);
    stdout_done(result.and_then(|()| io::stdout().write_all(&page)))
}

fn render_man(out: &mut Vec<u8>) -> io::Result<()> {
    let mut command = Args::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(out)?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let name = format!("pml {}", sub.get_name());
        writeln!(out, ".SH \"{}\"", name.to_uppercase())?;
        let man = clap_mangen::Man::new(sub.clone());
        man.render_synopsis_section(out)?;
        man.render_description_section(out)?;
        man.render_options_section(out)?;
    }
    Ok(())
}
