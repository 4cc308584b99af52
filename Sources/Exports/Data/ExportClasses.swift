import Codecs

/// The classes' names and colours, as formats can hold them.
package struct ExportClasses: Sendable {
    /// The names by class number. They are different, are not empty, and have no control characters, nor blanks around
    /// them.
    package let names: [String]

    /// - Parameters:
    ///   - count: The number of classes, at most 65535, so that there is a value left for pixels of none.
    ///   - names: The names of classes that have one. Others are called by their number. Where a name comes again, the
    ///     class's number is added to it.
    package init(count: Int, names: [Int: String] = [:]) {
        precondition((0...65_535).contains(count))
        self.names = Self.distinct((0..<count).map { Self.cleaned(names[$0] ?? "") })
    }

    package var count: Int { names.count }

    /// The name of a class, or the number of what is none.
    func name(_ number: Int) -> String {
        names.indices.contains(number) ? names[number] : String(number)
    }

    /// The number under which a class goes where 0 stands for no class, which counts from 1 on.
    func code(_ number: Int) -> Int { number + 1 }

    /// The colour of a class, which is never black.
    func colour(_ number: Int) -> ColourClasses.Colour { .voc(code(number)) }

    /// The names as CVAT's `labelmap.txt` can hold them: a colon ends a name there, and a line that begins with `#` is
    /// a comment.
    var labelMapNames: [String] {
        Self.distinct(
            names.map { name in
                let text = name.replacing(":", with: "_")
                return text.hasPrefix("#") ? "_" + text.dropFirst() : text
            })
    }

    private static func cleaned(_ name: String) -> String {
        var text = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            text.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        let isBlank = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace }
        let start = text.firstIndex { !isBlank($0) } ?? text.endIndex
        let end = text.lastIndex { !isBlank($0) }.map(text.index(after:)) ?? text.endIndex
        return String(text[start..<end])
    }

    /// The names, with the class's number in place of an empty one and behind one that another class has.
    private static func distinct(_ names: [String]) -> [String] {
        // Swift takes names for equal that differ in bytes only, as é may; so do some of the tools.
        var counts: [String: Int] = [:]
        let filled = names.enumerated().map { $1.isEmpty ? String($0) : $1 }
        for name in filled { counts[name, default: 0] += 1 }
        var taken = Set(counts.filter { $0.value == 1 }.keys)
        return filled.enumerated().map { number, name in
            guard counts[name] != 1 else { return name }
            var text = "\(name) (\(number))"
            while !taken.insert(text).inserted { text += "'" }
            return text
        }
    }
}
