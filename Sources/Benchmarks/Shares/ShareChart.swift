internal import HostSystem

/// A drawing of machines' parts over time: SVG, lines that were measured and dashed ones that were promised.
struct ShareChart {
    /// A line.
    struct Line {
        let name: String
        let points: [(x: Double, y: Double)]
        var isDashed = false
    }

    let title: String
    let horizontal: String
    let vertical: String
    var lines: [Line] = []

    private static let width = 860.0
    private static let height = 420.0
    private static let margin = (left: 64.0, right: 150.0, top: 44.0, bottom: 52.0)
    /// Okabe and Ito's colours, which people tell apart.
    private static let colours = [
        "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#666666", "#000000",
    ]

    /// The document.
    var svg: String {
        let all = lines.flatMap(\.points)
        let last = max(all.map(\.x).max() ?? 1, 1e-9)
        let first = min(all.map(\.x).min() ?? 0, last)
        let top = max(all.map(\.y).max() ?? 1, 1e-9) * 1.06
        let plotWidth = Self.width - Self.margin.left - Self.margin.right
        let plotHeight = Self.height - Self.margin.top - Self.margin.bottom
        func x(_ value: Double) -> Double {
            Self.margin.left + (value - first) / max(last - first, 1e-9) * plotWidth
        }
        func y(_ value: Double) -> Double { Self.margin.top + (1 - value / top) * plotHeight }
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Int(Self.width))\" height=\"\(Int(Self.height))\" "
                + "font-family=\"sans-serif\" font-size=\"12\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
            "<text x=\"\(Self.margin.left)\" y=\"24\" font-size=\"16\">\(Self.escaped(title))</text>",
        ]
        for tick in Self.ticks(top) {
            parts.append(
                "<line x1=\"\(Self.margin.left)\" x2=\"\((Self.margin.left + plotWidth).fixed(1))\" y1=\"\(y(tick).fixed(1))\" "
                    + "y2=\"\(y(tick).fixed(1))\" stroke=\"#dddddd\"/>")
            parts.append(
                "<text x=\"\(Self.margin.left - 6)\" y=\"\((y(tick) + 4).fixed(1))\" text-anchor=\"end\">\(Self.label(tick))</text>"
            )
        }
        for tick in Self.ticks(last) where tick >= first {
            parts.append(
                "<text x=\"\(x(tick).fixed(1))\" y=\"\((Self.height - Self.margin.bottom + 18).fixed(1))\" "
                    + "text-anchor=\"middle\">\(Self.label(tick))</text>")
        }
        parts.append(
            "<text x=\"\((Self.margin.left + plotWidth / 2).fixed(1))\" y=\"\(Self.height - 12)\" text-anchor=\"middle\">"
                + "\(Self.escaped(horizontal))</text>")
        parts.append(
            "<text transform=\"translate(16,\((Self.margin.top + plotHeight / 2).fixed(1))) rotate(-90)\" text-anchor=\"middle\">"
                + "\(Self.escaped(vertical))</text>")
        for (index, line) in lines.enumerated() {
            let colour = Self.colours[index % Self.colours.count]
            let points = line.points.map { "\(x($0.x).fixed(1)),\(y($0.y).fixed(1))" }.joined(separator: " ")
            let dash = line.isDashed ? " stroke-dasharray=\"5 4\"" : ""
            parts.append(
                "<polyline points=\"\(points)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"1.6\"\(dash)/>"
            )
            let height = Self.margin.top + 14 + Double(index) * 18
            let start = Self.margin.left + plotWidth + 12
            parts.append(
                "<line x1=\"\(start)\" x2=\"\(start + 22)\" y1=\"\(height - 4)\" y2=\"\(height - 4)\" stroke=\"\(colour)\" "
                    + "stroke-width=\"2\"\(dash)/>")
            parts.append("<text x=\"\(start + 28)\" y=\"\(height)\">\(Self.escaped(line.name))</text>")
        }
        parts.append("</svg>")
        return parts.joined(separator: "\n") + "\n"
    }

    /// Writes it, and says where it is.
    func write(_ path: String) throws {
        try FileTree.write(Array(svg.utf8), to: path)
        print("  drawn: \(path)")
    }

    /// Round numbers from 0 up to a value, four to ten of them.
    static func ticks(_ top: Double) -> [Double] {
        var step = 1.0
        while step * 10 < top { step *= 10 }
        while step > top { step /= 10 }
        if top / step < 4 { step /= top / step < 2 ? 5 : 2 }
        return (0...10).map { Double($0) * step }.filter { $0 <= top }
    }

    private static func label(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : value.fixed(value < 0.1 ? 2 : 1)
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            default: result.append(character)
            }
        }
        return result
    }
}
