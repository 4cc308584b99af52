import WebService

/// What formats with attributes say of a region.
struct RegionAttributes {
    /// The names, for formats that declare them.
    static let names = ["region", "given", "suggested", "verdict", "mass", "mean_own"]

    let texts: [(name: String, value: String)]
    let numbers: [(name: String, value: Double)]

    init(_ region: ExportedRegion, _ classes: ExportClasses) {
        texts =
            [
                ("region", region.id), ("given", classes.name(region.given)),
                ("suggested", classes.name(region.suggested)),
            ] + (region.verdict.map { [("verdict", $0)] } ?? [])
        numbers = [("mass", region.mass), ("mean_own", region.meanOwn)]
    }

    /// All values as texts.
    var all: [(name: String, value: String)] { texts + numbers.map { ($0.name, $0.value.description) } }

    /// The attributes as a text to be read.
    var sentence: String { all.map { "\($0.name) \($0.value)" }.joined(separator: ", ") }

    func write(to members: inout JSONWriter.Members) {
        for (name, value) in texts { members.string(name, value) }
        for (name, value) in numbers { members.number(name, value) }
    }
}
