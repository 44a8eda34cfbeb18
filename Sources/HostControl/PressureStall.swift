public import HostSystem
internal import Glibc

/// A resource whose pressure the kernel tells (PSI; Linux, Documentation/accounting/psi.rst).
public enum PressuredResource: String, Sendable, CaseIterable {
    /// Processors.
    case processors = "cpu"
    /// Memory.
    case memory
    /// Disks.
    case disks = "io"
}

/// How long, in microseconds since the host began, tasks waited for a resource.
public struct PressureTotals: Sendable, Equatable {
    /// Some task did.
    public let some: UInt64
    /// All tasks that were not idle did at once; 0 where the kernel does not tell (processors before Linux 5.13).
    public let full: UInt64
}

/// The host's pressure of one resource, or a group's.
public struct PressureStall: ~Copyable {
    private var file: StatusFile

    /// The host's.
    ///
    /// - Throws: if the kernel was built or booted without PSI.
    public init(_ resource: PressuredResource, files: HostFiles = HostFiles()) throws(HostControlError) {
        do throws(SystemError) {
            file = try StatusFile("\(files.processes)/pressure/\(resource.rawValue)")
        } catch {
            throw .system(error)
        }
    }

    /// How long tasks have waited; nothing is allocated.
    public mutating func totals() throws(HostControlError) -> PressureTotals {
        let path = file.path
        let result: Result<PressureTotals, HostControlError>
        do throws(SystemError) {
            result = try file.read { text in
                guard let some = Self.total(of: "some", in: text) else {
                    return .failure(.unknownForm(path: path, text: KernelText.excerpt(of: text)))
                }
                return .success(PressureTotals(some: some, full: Self.total(of: "full", in: text) ?? 0))
            }
        } catch {
            throw .system(error)
        }
        return try result.get()
    }

    /// A descriptor on which poll(2) finds `POLLPRI` once tasks have waited that long within a window.
    ///
    /// Unprivileged processes may have windows of whole multiples of two seconds only.
    /// - Parameters:
    ///   - stall: microseconds, less than the window.
    ///   - window: microseconds, 500000 to 10000000.
    public static func trigger(
        _ resource: PressuredResource, stall: Int, window: Int, files: HostFiles = HostFiles()
    ) throws(HostControlError) -> OwnedDescriptor {
        let path = "\(files.processes)/pressure/\(resource.rawValue)"
        do throws(SystemError) {
            let descriptor = try OwnedDescriptor.open(path, O_RDWR | O_NONBLOCK)
            // With the zero that psi.rst asks for.
            _ = try DescriptorIO.write(
                descriptor.number, Array("some \(stall) \(window)\0".utf8)[...],
                operation: "ask \(path) for a stall of \(stall) in \(window) microseconds")
            return descriptor
        } catch {
            throw .system(error)
        }
    }

    /// The number behind `total=` in the line that begins with a word.
    static func total(of word: StaticString, in text: borrowing Span<UInt8>) -> UInt64? {
        KernelText.number(after: "total=", inLine: word, of: text)
    }
}
