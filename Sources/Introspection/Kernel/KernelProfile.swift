/// What is the same at every start of one kernel: its symbols and its types.
public struct KernelProfile: Sendable {
    /// The kernel's build id, 20 bytes mostly; empty if it has none.
    public let buildID: [UInt8]
    /// Its symbols; addresses are right for one run only (`SymbolTable.base`).
    public internal(set) var symbols: SymbolTable
    /// Its types; nil if it carries none.
    public let types: TypeTable?

    /// The build id as people and files know it.
    public var buildIDText: String {
        buildID.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
