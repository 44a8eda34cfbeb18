/// Control register 0 (Intel SDM vol. 3, 2.5).
public struct ControlRegister0: OptionSet, Sendable {
    /// The register's bits.
    public let rawValue: UInt64
    /// Bits as the register has them.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// PE: protected mode.
    public static let protectionEnable = ControlRegister0(rawValue: 1 << 0)
    /// MP: WAIT obeys task-switched.
    public static let monitorCoprocessor = ControlRegister0(rawValue: 1 << 1)
    /// ET: always one.
    public static let extensionType = ControlRegister0(rawValue: 1 << 4)
    /// NE: floating-point errors by exception 16.
    public static let numericError = ControlRegister0(rawValue: 1 << 5)
    /// WP: the supervisor obeys read-only pages.
    public static let writeProtect = ControlRegister0(rawValue: 1 << 16)
    /// NW: not write-through.
    public static let notWriteThrough = ControlRegister0(rawValue: 1 << 29)
    /// CD: caches off.
    public static let cacheDisable = ControlRegister0(rawValue: 1 << 30)
    /// PG: paging.
    public static let paging = ControlRegister0(rawValue: 1 << 31)
}

/// Control register 4 (Intel SDM vol. 3, 2.5).
public struct ControlRegister4: OptionSet, Sendable {
    /// The register's bits.
    public let rawValue: UInt64
    /// Bits as the register has them.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// PSE: 4 MiB pages in 32-bit paging.
    public static let pageSizeExtensions = ControlRegister4(rawValue: 1 << 4)
    /// PAE: 64-bit page-table entries; long mode needs it.
    public static let physicalAddressExtension = ControlRegister4(rawValue: 1 << 5)
    /// PGE: global pages.
    public static let pageGlobalEnable = ControlRegister4(rawValue: 1 << 7)
    /// OSFXSR: SSE instructions allowed.
    public static let osFXSR = ControlRegister4(rawValue: 1 << 9)
    /// OSXMMEXCPT: SSE errors by exception 19.
    public static let osXMMExceptions = ControlRegister4(rawValue: 1 << 10)
    /// LA57: five-level paging.
    public static let linearAddress57 = ControlRegister4(rawValue: 1 << 12)
    /// OSXSAVE: XSAVE and XCR0 allowed.
    public static let osXSAVE = ControlRegister4(rawValue: 1 << 18)
}

/// The extended feature enable register, MSR 0xC0000080 (Intel SDM vol. 3, 2.2.1).
public struct ExtendedFeatureEnable: OptionSet, Sendable {
    /// The register's bits.
    public let rawValue: UInt64
    /// Bits as the register has them.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// SCE: `syscall` allowed.
    public static let systemCallExtensions = ExtendedFeatureEnable(rawValue: 1 << 0)
    /// LME: long mode when paging is on.
    public static let longModeEnable = ExtendedFeatureEnable(rawValue: 1 << 8)
    /// LMA: long mode is in force.
    public static let longModeActive = ExtendedFeatureEnable(rawValue: 1 << 10)
    /// NXE: no-execute pages.
    public static let noExecuteEnable = ExtendedFeatureEnable(rawValue: 1 << 11)
}
