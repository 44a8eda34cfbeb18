import MachineTesting
import Testing

/// All that needs the lab: one machine after another, since its memory and its two slow processors would
/// not do for all at once.
@Suite("In the lab", .enabled(if: TestHost.isLab, notLab), .serialized, OnceMoreAfterStandStill())
enum LabSuite {}

let notLab: Comment = "stock Linux guests need scripts/lab, where scripts/test runs these"
