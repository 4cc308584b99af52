import Codecs
import Testing

@testable import Exports

@Suite struct ExportClassesTests {
    @Test func hasDifferentNames() {
        let classes = ExportClasses(
            count: 8, names: [0: "a", 1: "a", 2: "3", 4: " b\tc\n", 5: "\n", 6: "a (0)", 9: "none"])
        #expect(classes.names == ["a (0)'", "a (1)", "3 (2)", "3 (3)", "b c", "5", "a (0)", "7"])
        #expect(classes.name(9) == "9")
    }

    @Test func hasNamesThatALabelMapHolds() {
        let classes = ExportClasses(count: 4, names: [0: "a:b", 1: "a_b", 2: "#x", 3: "c#:"])
        #expect(classes.names == ["a:b", "a_b", "#x", "c#:"])
        #expect(classes.labelMapNames == ["a_b (0)", "a_b (1)", "_x", "c#_"])
    }

    @Test func hasDifferentColours() {
        let classes = ExportClasses(count: 65_535)
        #expect(Set((0..<classes.count).map { classes.colour($0) }).count == classes.count)
        // Pascal VOC's aeroplane, bicycle, bird and TV.
        #expect([0, 1, 2, 19].map { classes.colour($0).description } == ["#800000", "#008000", "#808000", "#004080"])
    }
}
