extension Kernel {
    /// The first two numbers of the kernel's version, from its banner; nil if that says none.
    public var version: (major: Int, minor: Int)? {
        guard let place = symbols.address(of: "linux_banner"), let banner = try? text(at: place, limit: 256)
        else { return nil }
        return Self.version(inBanner: banner)
    }

    static func version(inBanner banner: String) -> (major: Int, minor: Int)? {
        let words = banner.split(separator: " ")
        guard words.count > 2, words[0] == "Linux", words[1] == "version" else { return nil }
        let numbers = words[2].split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
    }
}
