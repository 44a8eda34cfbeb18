internal import Synchronization

/// The real-time clock and its RAM at ports 0x70 and 0x71 (MC146818 with a century byte at 0x32).
///
/// The time is the host's: guests may read it in every format but not set it. The update-in-progress
/// bit never shows; instead a reading is of one moment: the time is taken when a guest looks at
/// register A or the seconds, and the other fields follow it for a second. There is no alarm and no
/// periodic interrupt.
public final class CMOSClock: ByteRegisterDevice {
    /// Its index port; the data port follows.
    public static let port: UInt64 = 0x70
    /// The number of ports it claims.
    public static let size: UInt64 = 2

    private enum Register {
        static let seconds: UInt8 = 0x00
        static let minutes: UInt8 = 0x02
        static let hours: UInt8 = 0x04
        static let weekday: UInt8 = 0x06
        static let day: UInt8 = 0x07
        static let month: UInt8 = 0x08
        static let year: UInt8 = 0x09
        static let controlA: UInt8 = 0x0A
        static let controlB: UInt8 = 0x0B
        static let controlC: UInt8 = 0x0C
        static let controlD: UInt8 = 0x0D
        static let century: UInt8 = 0x32
    }

    private struct State: Sendable {
        var index: UInt8 = 0
        /// Time base on 32.768 kHz, rate 1024 Hz, as a BIOS leaves it.
        var controlA: UInt8 = 0x26
        /// 24 hours, BCD.
        var controlB: UInt8 = 0x02
        /// Alarm registers and RAM.
        var memory = InlineArray<128, UInt8>(repeating: 0)
        var takenAt: Int64?
    }

    private let state = Mutex(State())
    private let clock: @Sendable () -> Int64

    /// - Parameter clock: seconds since 1970, UTC. Called on a virtual CPU's thread with the device's
    ///   lock held.
    public init(clock: @escaping @Sendable () -> Int64) {
        self.clock = clock
    }

    /// The index port cannot be read; the data port reads the register the index names.
    public func readRegister(_ offset: UInt64) -> UInt8 {
        guard offset == 1 else { return 0xFF }
        return state.withLock { read(&$0) }
    }

    /// Bit 7 of the index masks NMI on a PC and is ignored.
    public func writeRegister(_ offset: UInt64, _ value: UInt8) -> BusEffect {
        state.withLock { state in
            if offset == 0 {
                state.index = value & 0x7F
            } else {
                Self.write(value, &state)
            }
        }
        return .none
    }

    private func read(_ state: inout State) -> UInt8 {
        switch state.index {
        case Register.controlA:
            _ = time(&state, isStart: true)
            return state.controlA
        case Register.controlB: return state.controlB
        case Register.controlC: return 0
        // VRT: the battery is good.
        case Register.controlD: return 0x80
        case Register.seconds: return encode(time(&state, isStart: true).second, state)
        case Register.minutes: return encode(time(&state).minute, state)
        case Register.hours: return encodeHour(time(&state).hour, state)
        case Register.weekday: return encode(time(&state).weekday, state)
        case Register.day: return encode(time(&state).day, state)
        case Register.month: return encode(time(&state).month, state)
        case Register.year: return encode(time(&state).year % 100, state)
        case Register.century: return encode(time(&state).year / 100, state)
        default: return state.memory[Int(state.index & 0x7F)]
        }
    }

    private static func write(_ value: UInt8, _ state: inout State) {
        switch state.index {
        case Register.seconds, Register.minutes, Register.hours, Register.weekday, Register.day,
            Register.month, Register.year, Register.century, Register.controlC, Register.controlD:
            break
        // UIP is read-only.
        case Register.controlA: state.controlA = value & 0x7F
        case Register.controlB: state.controlB = value
        default: state.memory[Int(state.index & 0x7F)] = value
        }
    }

    /// The moment that is being read: a new one at the start of a reading, or after a second.
    private func time(_ state: inout State, isStart: Bool = false) -> CalendarTime {
        let now = clock()
        if !isStart, let taken = state.takenAt, now == taken || now == taken &+ 1 {
            return CalendarTime(secondsSince1970: taken)
        }
        state.takenAt = now
        return CalendarTime(secondsSince1970: now)
    }

    /// Register B, DM: binary, otherwise BCD.
    private func encode(_ value: Int, _ state: borrowing State) -> UInt8 {
        let isBinary = state.controlB & 0x04 != 0
        return UInt8(truncatingIfNeeded: isBinary ? value : value / 10 * 16 + value % 10)
    }

    /// Register B, 24/12: with 12 hours bit 7 is the afternoon, and midnight and noon are 12.
    private func encodeHour(_ hour: Int, _ state: borrowing State) -> UInt8 {
        guard state.controlB & 0x02 == 0 else { return encode(hour, state) }
        let shown = hour % 12 == 0 ? 12 : hour % 12
        return encode(shown, state) | (hour >= 12 ? 0x80 : 0)
    }
}
