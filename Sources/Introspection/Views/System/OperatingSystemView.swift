internal import GuestMemory

/// What runs in the guest, and where.
public struct OperatingSystemRow: ViewRow {
    /// The kernel's banner, as /proc/version has it.
    public let banner: String
    /// uname(2)'s release, such as `6.1.0-56-cloud-amd64`.
    public let release: String
    /// uname(2)'s version: build number and date.
    public let version: String
    /// The kernel's build id in hexadecimal; empty if it has none.
    public let buildID: String
    /// The first namespace's host name.
    public let hostName: String
    /// Its NIS domain; nil if none is set.
    public let domainName: String?
    /// The kernel's command line; nil if it cannot be read.
    public let commandLine: String?
    /// Nanoseconds since the start, as the guest's timekeeping last set them; nil if they cannot be told.
    public let uptime: UInt64?
    /// What `uptime` was read from: `timekeeper` or `jiffies`.
    public let uptimeSource: String?
    /// When it started, in nanoseconds since 1970 UTC by the guest's own clock.
    public let bootTime: UInt64?
    /// Processors in use.
    public let processorsOnline: Int?
    /// Processors there may be.
    public let processorsPossible: Int?
    /// 4 or 5.
    public let pageTableLevels: Int
    /// Whether programs run on page tables without the kernel (X86_FEATURE_PTI).
    public let isPageTableIsolated: Bool?
    /// Where the image lies: virtual and physical.
    public let imageStart: VirtualAddress
    /// Its first byte in memory.
    public let imagePhysical: UInt64
    /// How far it is from where it lies without address randomisation: virtual and physical.
    public let virtualSlide: Int64
    /// Likewise in memory.
    public let physicalSlide: Int64
    /// Where all memory is mapped.
    public let directMap: VirtualAddress
    /// Where the page descriptors begin.
    public let pageDescriptors: VirtualAddress
    /// Whether symbols and types were read from this guest, and not kept from an earlier one.
    public let isProfileNew: Bool
    /// How many symbols there are.
    public let symbols: Int
    /// How many types there are.
    public let types: Int

    /// The columns, in the order of `cells`.
    public static var columns: [ViewColumn] {
        [
            ViewColumn("BANNER", "banner"), ViewColumn("RELEASE", "release"),
            ViewColumn("VERSION", "version"), ViewColumn("BUILD ID", "buildID"),
            ViewColumn("HOST", "hostName"), ViewColumn("DOMAIN", "domainName"),
            ViewColumn("COMMAND LINE", "commandLine"), ViewColumn("UPTIME", "uptime", isNumber: true),
            ViewColumn("UPTIME FROM", "uptimeSource"), ViewColumn("BOOTED", "bootTime", isNumber: true),
            ViewColumn("CPUS ONLINE", "processorsOnline", isNumber: true),
            ViewColumn("CPUS POSSIBLE", "processorsPossible", isNumber: true),
            ViewColumn("PAGE TABLE LEVELS", "pageTableLevels", isNumber: true),
            ViewColumn("PAGE TABLE ISOLATION", "pageTableIsolation"), ViewColumn("IMAGE", "imageStart"),
            ViewColumn("IMAGE IN MEMORY", "imagePhysical"), ViewColumn("SLIDE", "virtualSlide"),
            ViewColumn("SLIDE IN MEMORY", "physicalSlide"), ViewColumn("DIRECT MAP", "directMap"),
            ViewColumn("PAGE DESCRIPTORS", "pageDescriptors"),
            ViewColumn("PROFILE READ ANEW", "profileNew"), ViewColumn("SYMBOLS", "symbols", isNumber: true),
            ViewColumn("TYPES", "types", isNumber: true),
        ]
    }

    /// The values.
    public var cells: [ViewValue] {
        func text(_ value: String?) -> ViewValue { value.map { .text($0) } ?? .none }
        func number(_ value: Int?) -> ViewValue { value.map { .number(Int64($0)) } ?? .none }
        func slide(_ value: Int64) -> ViewValue {
            value < 0 ? .number(value) : .address(UInt64(value))
        }
        return [
            .text(banner), .text(release), .text(version), .text(buildID), .text(hostName), text(domainName),
            text(commandLine), uptime.map { .duration($0) } ?? .none, text(uptimeSource),
            bootTime.map { .moment($0) } ?? .none, number(processorsOnline),
            number(processorsPossible), number(pageTableLevels),
            isPageTableIsolated.map { .flag($0) } ?? .none, .address(imageStart.rawValue),
            .address(imagePhysical), slide(virtualSlide), slide(physicalSlide),
            .address(directMap.rawValue), .address(pageDescriptors.rawValue), .flag(isProfileNew),
            number(symbols), number(types),
        ]
    }

    /// There is one.
    public var identity: Int { 0 }
    /// What a second look must find again.
    public var settled: String { "\(banner) \(hostName) \(domainName ?? "") \(processorsOnline ?? 0)" }
}

/// What runs in the guest: one row.
public struct OperatingSystemView {
    private let kernel: Kernel
    private let clock: GuestClock
    private let names: VirtualAddress
    private let host: Field
    private let domain: Field
    private let release: Field
    private let version: Field
    private let capabilities: (place: VirtualAddress, field: Field)?

    /// X86_FEATURE_PTI (arch/x86/include/asm/cpufeatures.h): the word and its bit, the same since 4.15.
    private static let isolation = (word: 7, bit: UInt32(11))

    /// - Throws: `missing` if the kernel lacks the symbols or types that name it.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        let types = try kernel.types()
        clock = GuestClock(kernel, types)
        names = try kernel.address(of: "init_uts_ns")
        host = try types.required("name.nodename", of: "uts_namespace")
        domain = try types.required("name.domainname", of: "uts_namespace")
        release = try types.required("name.release", of: "uts_namespace")
        version = try types.required("name.version", of: "uts_namespace")
        if let place = kernel.symbols.address(of: "boot_cpu_data"),
            let field = types.field("x86_capability", of: "cpuinfo_x86"),
            field.size >= (Self.isolation.word + 1) * 4
        {
            capabilities = (place, field)
        } else {
            capabilities = nil
        }
    }

    /// The row.
    public func read() throws(IntrospectionError) -> [OperatingSystemRow] {
        let banner = try kernel.address(of: "linux_banner")
        return try reading { () throws(ReadError) in
            let domain = try kernel.text(self.domain, at: names)
            let uptime = try clock.uptime()
            return [
                OperatingSystemRow(
                    banner: trimmed(try kernel.text(at: banner, limit: 1024)),
                    release: try kernel.text(release, at: names),
                    version: try kernel.text(version, at: names), buildID: kernel.profile.buildIDText,
                    hostName: try kernel.text(host, at: names),
                    domainName: domain == "(none)" || domain.isEmpty ? nil : domain,
                    commandLine: commandLine(), uptime: uptime?.nanoseconds,
                    uptimeSource: uptime?.source.rawValue, bootTime: try clock.bootTime(),
                    processorsOnline: count(in: "__cpu_online_mask"),
                    processorsPossible: count(in: "__cpu_possible_mask"),
                    pageTableLevels: kernel.space.levels, isPageTableIsolated: isIsolated(),
                    imageStart: kernel.mapping.start, imagePhysical: kernel.mapping.physical.rawValue,
                    virtualSlide: kernel.virtualSlide, physicalSlide: kernel.physicalSlide,
                    directMap: kernel.directMap, pageDescriptors: kernel.pageDescriptors,
                    isProfileNew: kernel.isProfileNew, symbols: kernel.symbols.count,
                    types: kernel.profile.types?.count ?? 0)
            ]
        }
    }

    private func trimmed(_ text: String) -> String { text.last == "\n" ? String(text.dropLast()) : text }

    private func commandLine() -> String? {
        guard let place = kernel.symbols.address(of: "saved_command_line"),
            let text = try? kernel.pointer(at: place)
        else { return nil }
        return try? kernel.text(at: text)
    }

    /// How many processors a mask names.
    private func count(in mask: String) -> Int? {
        guard let place = kernel.symbols.address(of: mask),
            let processors = try? kernel.possibleProcessors()
        else { return nil }
        var count = 0
        for word in 0..<(processors.count + 63) / 64 {
            guard let bits = try? kernel.load(UInt64.self, at: place + word * 8) else { return nil }
            let used = min(64, processors.count - word * 64)
            count += (used == 64 ? bits : bits & (1 << UInt64(used) - 1)).nonzeroBitCount
        }
        return count
    }

    private func isIsolated() -> Bool? {
        guard let (place, field) = capabilities,
            let word = try? kernel.load(UInt32.self, at: place + field.offset + Self.isolation.word * 4)
        else { return nil }
        return word >> Self.isolation.bit & 1 == 1
    }
}
