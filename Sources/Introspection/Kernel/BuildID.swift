/// The id that the linker gives each build: an ELF note of owner `GNU` and kind 3.
enum BuildID {
    /// n_namesz 4, n_descsz 20, n_type 3 (NT_GNU_BUILD_ID), "GNU\0".
    private static let head: [UInt8] = [4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, 0x47, 0x4E, 0x55, 0]

    /// The first in some bytes.
    static func find(in bytes: [UInt8]) -> [UInt8]? {
        place(in: bytes).map { Array(bytes[$0..<$0 + 20]) }
    }

    /// Where the first in some bytes begins.
    static func place(in bytes: [UInt8]) -> Int? {
        guard let start = ByteSearch.first(head, in: bytes), start + head.count + 20 <= bytes.count else {
            return nil
        }
        return start + head.count
    }
}
