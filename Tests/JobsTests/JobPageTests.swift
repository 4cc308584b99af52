import Jobs
import Testing

@Suite struct JobPageTests {
    private func details(_ page: JobPage<TestKind>) -> [String] { page.jobs.map(\.details) }

    @Test func listsTheNewestFirst() throws {
        let queue = suspended()
        #expect(queue.jobs(limit: 5).jobs.isEmpty && queue.jobs(limit: 5).next == nil)
        for index in 0..<5 { _ = try queue.admit("\(index)") }
        let page = queue.jobs(limit: 5)
        #expect(details(page) == ["4", "3", "2", "1", "0"] && page.next == nil)
    }

    @Test func goesOnWhereThePageBeforeEnded() throws {
        let queue = suspended()
        for index in 0..<5 { _ = try queue.admit("\(index)") }
        let first = queue.jobs(limit: 2)
        let second = queue.jobs(after: first.next, limit: 2)
        let third = queue.jobs(after: second.next, limit: 2)
        #expect([first, second, third].map(details) == [["4", "3"], ["2", "1"], ["0"]])
        #expect(first.next != nil && second.next != nil && third.next == nil)
    }

    @Test func repeatsAndSkipsNothingWhileJobsComeAndGo() throws {
        let queue = suspended()
        let ids = try (0..<6).map { try queue.admit("\($0)") }
        let first = queue.jobs(limit: 2)
        #expect(details(first) == ["5", "4"])
        _ = try queue.admit("new")
        // The very job that the page ended with goes, and one that is yet to come.
        try queue.delete(ids[4])
        try queue.delete(ids[2])
        try queue.cancel(ids[3])
        let second = queue.jobs(after: first.next, limit: 2)
        #expect(details(second) == ["3", "1"])
        #expect(details(queue.jobs(after: second.next, limit: 2)) == ["0"])
    }

    @Test func listsOneStatus() throws {
        let queue = suspended()
        for index in 0..<6 {
            let id = try queue.admit("\(index)")
            if index % 2 == 0 { try queue.cancel(id) }
        }
        let page = queue.jobs(status: .canceled, limit: 2)
        #expect(details(page) == ["4", "2"])
        #expect(details(queue.jobs(status: .canceled, after: page.next, limit: 2)) == ["0"])
        #expect(queue.jobs(status: .canceled, limit: 3).next == nil)
        #expect(queue.jobs(status: .running, limit: 3).jobs.isEmpty)
    }

    @Test(arguments: [0, -1]) func givesNothingForNoLimit(limit: Int) throws {
        let queue = suspended()
        _ = try queue.admit("")
        #expect(queue.jobs(limit: limit).jobs.isEmpty)
    }

    @Test(arguments: ["0", "1", "ffffffffffffffff"]) func takesAnyCursor(text: String) throws {
        let queue = suspended()
        for index in 0..<3 { _ = try queue.admit("\(index)") }
        let cursor: JobCursor = try #require(JobCursor(text))
        let page = queue.jobs(after: cursor, limit: 5)
        #expect(details(page) == (text == "ffffffffffffffff" ? ["2", "1", "0"] : []))
    }
}
