//! Sentences that the report puts together itself, in both languages.

use crate::judge::RollbackClass;
use crate::knowledge::Risk;
use crate::language::Language::{self, En, Zh};

/// The verdict on the rollback.
pub(super) fn rollback(class: RollbackClass, language: Language) -> &'static str {
    match (class, language) {
        (RollbackClass::Confirmed, En) => "The update was rolled back.",
        (RollbackClass::Confirmed, Zh) => "更新已被回滚（撤消更改）。",
        (RollbackClass::Probable, En) => "The update was probably rolled back.",
        (RollbackClass::Probable, Zh) => "更新很可能已被回滚。",
        (RollbackClass::Possible, En) => "The update may have been rolled back; the log does not prove it.",
        (RollbackClass::Possible, Zh) => "更新可能被回滚，但日志不足以证明。",
        (RollbackClass::None, En) => "This log shows no rollback.",
        (RollbackClass::None, Zh) => "此日志中没有回滚的迹象。",
    }
}

/// How much can go wrong.
pub(super) fn risk(risk: Risk, language: Language) -> &'static str {
    match (risk, language) {
        (Risk::None, En) => "only looks",
        (Risk::None, Zh) => "仅查看",
        (Risk::Low, En) => "low risk",
        (Risk::Low, Zh) => "低风险",
        (Risk::Medium, En) => "medium risk",
        (Risk::Medium, Zh) => "中等风险",
        (Risk::High, En) => "last resort",
        (Risk::High, Zh) => "最后手段",
    }
}

/// Why an event is cited.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    First,
    Last,
    Same,
    Shows,
    Follows,
}

pub(super) fn role(role: Role, language: Language) -> &'static str {
    match (role, language) {
        (Role::First, En) => "the failure, first time",
        (Role::First, Zh) => "首次失败",
        (Role::Last, En) => "the failure, last time",
        (Role::Last, Zh) => "最后一次失败",
        (Role::Same, En) => "another failure of the same kind",
        (Role::Same, Zh) => "同类的其他失败",
        (Role::Shows, En) => "what it is known by",
        (Role::Shows, Zh) => "判断依据",
        (Role::Follows, En) => "a consequence",
        (Role::Follows, Zh) => "后果",
    }
}

/// What an interfering process did.
pub(super) fn interfering(held: bool, child: bool, seconds: f64, language: Language) -> String {
    match (child, held, language) {
        (true, _, En) => format!("was still running at {seconds:.1} s"),
        (true, _, Zh) => format!("在 {seconds:.1} 秒时仍在运行"),
        (_, true, En) => format!("had the file open, since {seconds:.1} s"),
        (_, true, Zh) => format!("自 {seconds:.1} 秒起一直打开着该文件"),
        (_, false, En) => format!("touched the file right before, at {seconds:.1} s"),
        (_, false, Zh) => format!("在失败前一刻（{seconds:.1} 秒）访问了该文件"),
    }
}

/// What a rule looked for and did not find.
pub(super) fn not_seen(text: &str, language: Language) -> String {
    match language {
        En => format!("Not seen: {text}"),
        Zh => format!("未见：{text}"),
    }
}

/// That a failure was overcome after all.
pub(super) fn later_succeeded(language: Language) -> &'static str {
    match language {
        En => "The same operation succeeded later.",
        Zh => "相同操作随后成功。",
    }
}

/// That a finding rests on a capture which is not whole.
pub(super) fn not_whole(language: Language) -> &'static str {
    match language {
        En => "The capture ends early; what came after its end is not known.",
        Zh => "捕获提前结束，其后发生的情况未知。",
    }
}

/// What the commands of a finding are for.
pub(super) fn slice_around(language: Language) -> &'static str {
    match language {
        En => "What this process did around it, as a small log for Process Monitor",
        Zh => "将该进程在此前后的操作另存为小日志（可用 Process Monitor 打开）",
    }
}

pub(super) fn explain_rule(language: Language) -> &'static str {
    match language {
        En => "How the rule concludes this",
        Zh => "查看规则的判断依据",
    }
}

/// The parts of the mail.
pub(super) struct MailWords {
    pub captured: &'static str,
    pub cause: &'static str,
    pub also: &'static str,
    pub steps: &'static str,
    pub no_cause: &'static str,
    pub next: &'static str,
}

pub(super) fn mail(language: Language) -> MailWords {
    match language {
        En => MailWords {
            captured: "We looked at the boot log of {computer} ({windows}), captured {first} UTC: {boot}.",
            cause: "Most likely cause: ",
            also: "In addition: ",
            steps: "Please do the following, in this order:",
            no_cause: "The log does not show a cause.",
            next: "Please send us in addition:",
        },
        Zh => MailWords {
            captured: "我们分析了计算机 {computer}（{windows}）在 {first}（UTC）捕获的启动日志：{boot}。",
            cause: "最可能的原因：",
            also: "此外：",
            steps: "请按以下顺序处理：",
            no_cause: "日志中没有显示原因。",
            next: "另请提供：",
        },
    }
}
