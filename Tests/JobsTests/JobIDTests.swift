import Jobs
import Testing

@Suite struct JobIDTests {
    @Test func readsWhatItWrites() {
        for _ in 0..<100 {
            let id = JobID()
            #expect(id.description.count == 32)
            #expect(JobID(id.description) == id)
        }
    }

    @Test(arguments: ["00000000000000000000000000000001", "0123456789abcdef0123456789abcdef"])
    func keepsEveryDigit(text: String) throws {
        #expect(try #require(JobID(text)).description == text)
    }

    @Test func differsFromTheOthers() {
        #expect(Set((0..<1000).map { _ in JobID() }).count == 1000)
    }

    @Test(arguments: [
        "", "0", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef0",
        "0123456789ABCDEF0123456789abcdef", "+123456789abcdef0123456789abcdef", "g123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcde ", "é123456789abcdef0123456789abcde", "0x23456789abcdef0123456789abcdef",
    ])
    func refusesWhatItDoesNotWrite(text: String) {
        #expect(JobID(text) == nil)
    }
}

@Suite struct JobCursorTests {
    @Test(arguments: ["0", "1", "ff", "ffffffffffffffff"]) func readsWhatItWrites(text: String) throws {
        #expect(try #require(JobCursor(text)).description == text)
    }

    @Test(arguments: ["", "+1", "-1", "01", "FF", " 1", "10000000000000000"])
    func refusesWhatItDoesNotWrite(text: String) {
        #expect(JobCursor(text) == nil)
    }
}

@Suite struct JobProgressTests {
    @Test(arguments: [(0, 4, 0), (1, 4, 0.25), (4, 4, 1), (5, 4, 1), (-1, 4, 0), (3, 0, 0), (3, nil, 0)])
    func fractionLiesBetweenZeroAndOne(done: Int, total: Int?, fraction: Double) {
        #expect(JobProgress(imagesDone: done, imagesTotal: total).fraction == fraction)
    }
}
