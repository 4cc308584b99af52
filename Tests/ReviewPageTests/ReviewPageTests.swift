import Foundation
import HTTPTypes
import ServiceHarness
import Testing
import WebService

@testable import ReviewPage

@Suite struct ReviewPageTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/ReviewPage/page")

    @Test func everyFileOfThePageIsServedAsItIs() async throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(names) == Set(ReviewPage.files.keys))
        let harness = try Harness()
        for name in names {
            let reply = await harness.get("/page/\(name)")
            #expect(reply.status == 200)
            #expect(reply.bytes == Array(try Data(contentsOf: Self.folder.appending(path: name))))
            #expect(reply.fields[.contentSecurityPolicy] == ReviewPage.policy)
            #expect(reply.fields[.xContentTypeOptions] == "nosniff")
        }
        #expect(await harness.get("/").bytes == ReviewPage.files["index.html"])
    }

    @Test func typesAreThoseThatBrowsersWant() async throws {
        let harness = try Harness()
        #expect(await harness.get("/").fields[.contentType] == "text/html; charset=utf-8")
        #expect(await harness.get("/page/api.js").fields[.contentType] == "text/javascript; charset=utf-8")
        #expect(await harness.get("/page/style.css").fields[.contentType] == "text/css; charset=utf-8")
        #expect(await harness.get("/page/other.js").problem == "not-found")
    }

    @Test func theShellIsOpenWhateverIsProtected() async throws {
        let keys = try KeyRing(lines: "a-key-that-is-long-enough-to-be-one\n".utf8)
        let harness = try Harness(access: AccessControl(keys: keys, protectsHealth: true))
        #expect(await harness.get("/").status == 200)
        #expect(await harness.get("/page/api.js").status == 200)
        #expect(await harness.get("/jobs").status == 401)
        #expect(await harness.get("/livez").status == 401)
        #expect(await harness.get("/", [.init("Origin")!: "https://other.example"]).status == 403)
    }
}
