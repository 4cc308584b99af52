import HTTPTypes
import Tensors
import Testing

@testable import ScoringService

@Suite struct RouteTests {
    private static let paths: [(target: String, route: Route, methods: String)] = [
        ("/score", .score, "POST"),
        ("/issues", .issues, "POST"),
        ("/jobs", .jobs, "GET, HEAD, POST"),
        ("/jobs/a", .job("a"), "GET, HEAD, DELETE"),
        ("/jobs/a/batches", .jobBatches("a"), "POST"),
        ("/jobs/a/cancel", .jobCancellation("a"), "POST"),
        ("/jobs/a/finish", .jobFinish("a"), "POST"),
        ("/jobs/a/image_scores", .jobArray("a", .imageScores), "GET, HEAD"),
        ("/jobs/a/pixel_scores", .jobArray("a", .pixelScores), "GET, HEAD"),
        ("/jobs/a/issues", .jobArray("a", .issues), "GET, HEAD"),
        ("/jobs/a/label_issues", .jobArray("a", .labelIssues), "GET, HEAD"),
        ("/jobs/a/ranking", .jobRanking("a"), "GET, HEAD"),
        ("/jobs/a/summary", .jobSummary("a"), "GET, HEAD"),
        ("/livez", .live, "GET, HEAD"),
        ("/readyz", .ready, "GET, HEAD"),
        ("/metrics", .metrics, "GET, HEAD"),
        ("/version", .version, "GET, HEAD"),
        ("/openapi.yaml", .openAPI, "GET, HEAD"),
    ]

    @Test(arguments: 0..<paths.count) func findsEveryPathWithAndWithoutAQuery(index: Int) throws {
        let (target, route, _) = Self.paths[index]
        #expect(try Route(target: target) == route)
        #expect(try Route(target: target + "?a=b/c") == route)
    }

    @Test func answersWithoutAKeyOnlyWhatProbesAsk() {
        #expect(Self.paths.filter(\.route.isOpen).map(\.target) == ["/livez", "/readyz", "/metrics"])
        #expect(
            Self.paths.filter(\.route.isAdministrative).map(\.target) == ["/livez", "/readyz", "/metrics", "/version"])
    }

    @Test(arguments: [
        "", "/", "*", "score", "/Score", "/score/", "/score/x", "//score", "/jobs/", "/jobs/a/", "/jobs/a/b",
        "/jobs/a/cancel/", "/jobs/a/image_scores/0", "/livez/x", "/openapi", "/%6Aobs",
    ])
    func findsNothingElsewhere(target: String) async throws {
        let reply = try await Harness().get(target)
        // What ends in a slash names a job without a name.
        #expect(reply.status == 404)
        #expect(reply.problem == (target == "/jobs/" ? "unknown-job" : "not-found"))
        #expect(reply.wasRefused)
    }

    @Test(arguments: 0..<paths.count) func refusesOtherMethodsAndSaysWhichItAnswers(index: Int) async throws {
        let (target, _, methods) = Self.paths[index]
        let harness = try Harness()
        for method in [HTTPRequest.Method.get, .head, .post, .put, .patch, .delete, .options, .trace] {
            let reply = await harness.send(method, target, body: [])
            if methods.split(separator: ", ").contains(Substring(method.rawValue)) {
                #expect(reply.status != 405)
            } else {
                #expect(reply.status == 405)
                #expect(reply.fields[.allow] == methods)
                #expect(reply.problem == "method-not-allowed")
            }
        }
    }

    @Test(arguments: [
        "/score", "/issues", "/jobs", "/jobs/ID", "/jobs/ID/image_scores", "/jobs/ID/pixel_scores", "/jobs/ID/issues",
        "/jobs/ID/ranking", "/jobs/ID/cancel", "/livez", "/readyz", "/metrics", "/version",
        "/openapi.yaml",
    ])
    func refusesAnUnknownQueryParameter(target: String) async throws {
        let harness = try Harness()
        let job = try await harness.score(Sample().npz()).location()
        let target = target.replacing("/jobs/ID", with: job)
        let isPost = ["/score", "/issues", job + "/cancel"].contains(target)
        let reply = await harness.send(isPost ? .post : .get, target + "?treshold=1", body: isPost ? [] : nil)
        #expect(reply.status == 400)
        #expect(reply.problem == "unknown-parameter")
        #expect(try reply.json()["parameter"] as? String == "treshold")
    }

    @Test func refusesAnUnknownParameterOfADeletion() async throws {
        let harness = try Harness()
        let job = try await harness.score(Sample().npz()).location()
        #expect(await harness.send(.delete, job + "?force=1").problem == "unknown-parameter")
        #expect(await harness.get(job).status == 200)
    }

    @Test(arguments: [
        "/jobs/x", "/jobs/00000000000000000000000000000000", "/jobs/0123456789ABCDEF0123456789ABCDEF/issues",
        "/jobs/x/ranking",
    ])
    func knowsNoJobOfAnotherName(target: String) async throws {
        let reply = try await Harness().get(target)
        #expect(reply.status == 404)
        #expect(reply.problem == "unknown-job")
    }

    @Test func answersWhatAPlatformAsks() async throws {
        let harness = try Harness()
        #expect(await harness.get("/livez").text == "ok\n")
        #expect(await harness.get("/readyz").text == "ok\n")
        #expect(try await harness.get("/version").json()["version"] as? String == Service.version)
        #expect(await harness.get("/openapi.yaml").text.hasPrefix("openapi: 3.1"))
    }
}
