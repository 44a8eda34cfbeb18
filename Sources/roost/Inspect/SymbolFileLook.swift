internal import Introspection
internal import JSONText

/// The kernel's symbols and types as a file for Volatility 3, which is JSON with or without `--json`.
struct SymbolFileLook: InspectableView {
    let file: SymbolFile

    func look(
        _ kernel: Kernel, _ registers: [ProcessorRegisters], isStill: Bool
    ) throws(IntrospectionError) -> Look {
        // It is plain ASCII: nothing in it can mean anything to a terminal.
        let text = String(decoding: try file.text(), as: UTF8.self)
        return Look(lines: [text], rows: [.string(text)])
    }
}
