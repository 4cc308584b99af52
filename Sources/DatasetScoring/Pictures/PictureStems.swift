/// What files of pictures are called by their clients, for the names of images that have no others.
struct PictureStems {
    /// Nil once a file has no name of use.
    private var stems: [String]? = []
    private var seen: Set<String> = []

    /// The stems in the order of the files; nil unless each file has one that images can be called by, and no two are
    /// equal.
    var names: [String]? { stems?.isEmpty ?? true ? nil : stems }

    /// Adds the next file.
    ///
    /// - Parameter fileName: What the client calls it, perhaps as a path on the client's machine; nil if it does not say.
    mutating func add(_ fileName: String?) {
        guard stems != nil else { return }
        guard let stem = fileName.flatMap(Self.stem), NameParameters.isNameOfImage(stem), seen.insert(stem).inserted
        else {
            (stems, seen) = (nil, [])
            return
        }
        stems?.append(stem)
    }

    /// The last part of a path, without its suffix.
    private static func stem(_ path: String) -> String? {
        let name = path[(path.lastIndex { $0 == "/" || $0 == "\\" }.map(path.index(after:)) ?? path.startIndex)...]
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return String(name) }
        return String(name[..<dot])
    }
}
