import Testing

@testable import DatasetScoring
import WebService

@Suite struct NamePatternTests {
    private static let suffixes = [".png", ".npy"]

    @Test(
        arguments: [
            ("masks", "a.png", "a"), ("masks", "a.b.npy", "a.b"), ("masks", "a.PNG", "a"), ("masks", "a.jpg", nil),
            ("masks", "png", nil), ("masks", ".png", nil), ("masks/*", "a.npy", "a"),
            ("masks/*_mask.png", "a_mask.png", "a"), ("masks/*_mask.png", "a_mask.npy", nil),
            ("masks/*_mask.png", "a.png", nil), ("masks/*_mask.png", "_mask.png", nil),
            ("masks/*_mask", "a_mask.npy", "a"), ("masks/*_mask", "a_mask.jpg", nil), ("masks/*.jpg", "a.jpg", nil),
            ("masks/m_*", "m_1.png", "1"), ("masks/m_*.npy", "m_1.npy", "1"), ("masks/m_*.npy", "n_1.npy", nil),
            ("masks/aa*aa.png", "aaa.png", nil),
        ] as [(String, String, String?)])
    func findsTheName(text: String, file: String, name: String?) throws {
        let (folder, pattern) = try NamePattern.split(text, parameter: "labels")
        #expect(folder == "masks")
        #expect(pattern.name(of: file, suffixes: Self.suffixes) == name)
    }

    @Test(arguments: [("*.png", "."), ("/*.png", "/"), ("/a/b/*", "/a/b")])
    func splitsOffTheFolder(text: String, folder: String) throws {
        #expect(try NamePattern.split(text, parameter: "labels").folder == folder)
    }

    @Test(arguments: ["a/*_*.png", "*/a.png", "*/*.png", "a/**"])
    func refusesOtherStars(text: String) {
        #expect {
            try NamePattern.split(text, parameter: "labels")
        } throws: { error in
            let problem = error as? Problem
            return problem?.type == .invalidParameter && problem?.actual == text
        }
    }
}
