import Foundation
import HTTPTypes
import Memory
import ServiceHarness
import Testing
import TestSupport

@testable import ScoringService

/// `method=num_pixel_issues`, and what it leaves behind.
@Suite struct LabelIssuesTests {
    private let sample = Sample(images: 3, classes: 4, height: 4, width: 6)

    /// The label issues by the definition, pixel by pixel; sums of the sample's 64ths are exact.
    private func definition() -> (mask: [Bool], issueCount: Int) {
        let (classes, plane) = (sample.classes, sample.plane)
        let all = sample.labels.indices.map { pixel in
            (0..<classes).map {
                Double(sample.probabilities[(pixel / plane * classes + $0) * plane + pixel % plane])
            }
        }
        let own = zip(all, sample.labels).map { $0[$1] }
        let predicted = all.map { $0.firstIndex(of: $0.max() ?? 0) ?? 0 }
        let thresholds = (0..<classes).map { k in
            let scores = zip(own, sample.labels).filter { $0.1 == k }.map(\.0)
            return scores.isEmpty ? 2e-6 : max(scores.reduce(0, +) / Double(scores.count), 2e-6)
        }
        let count = sample.labels.indices.count { pixel in
            let k = predicted[pixel]
            return k != sample.labels[pixel] && all[pixel][k] >= thresholds[k] - 1e-6
        }
        let lowest = own.indices.sorted { (own[$0], $0) < (own[$1], $1) }.prefix(count)
        var mask = own.map { _ in false }
        for pixel in lowest where predicted[pixel] != sample.labels[pixel] { mask[pixel] = true }
        return (mask, count)
    }

    private func mask(_ reply: Reply) throws -> [Bool] {
        let lists = try #require(try reply.json()["label_issues"] as? [[[Bool]]], "\(reply.text)")
        return lists.flatMap { $0 }.flatMap { $0 }
    }

    private func score(_ harness: Harness, _ parameters: String = "") async throws -> String {
        try await harness.score(try sample.npz(), query: "?method=num_pixel_issues" + parameters).location()
    }

    @Test(arguments: BodyFormat.allCases, [1, 11, nil] as [Int?])
    func areTheSameInEveryFormAndChunking(form: BodyFormat, chunk: Int?) async throws {
        let harness = try Harness()
        let expected = definition().mask
        #expect(expected.contains(true) && expected.contains(false))
        for labelsFirst in [true, false] {
            let reply = await harness.score(
                try sample.body(form, labelsFirst: labelsFirst),
                query: "?method=num_pixel_issues&include=label_issues", chunk: chunk)
            #expect(try mask(reply) == expected)
        }
        #expect(harness.spoolFileCount == 0)
    }

    @Test func areFoundInBlocksWhereverTheParametersStand() async throws {
        let harness = try Harness()
        let query = "?include=label_issues"
        let all = query + "&method=num_pixel_issues&downsample=2&ignore_label=3"
        let expected = try mask(await harness.score(try sample.npz(), query: all))
        #expect(expected.contains(true))
        let parts = [("method", "num_pixel_issues"), ("downsample", "2"), ("ignore_label", "3")]
        let members = ", \"method\": \"num_pixel_issues\", \"downsample\": 2, \"ignore_label\": 3"
        for labelsFirst in [true, false] {
            for reply in [
                await harness.score(try sample.npz(labelsFirst: labelsFirst), query: all),
                await harness.score(sample.multipart(labelsFirst: labelsFirst, before: parts), query: query),
                await harness.score(sample.multipart(labelsFirst: labelsFirst, after: parts), query: query),
                await harness.score(sample.json(labelsFirst: labelsFirst, after: members), query: query),
            ] {
                #expect(try mask(reply) == expected)
            }
        }
        let without = try mask(
            await harness.score(try sample.npz(), query: query + "&method=num_pixel_issues&downsample=2"))
        #expect(without != expected)
    }

    /// Whether a part follows `pred_probs` can be told from the sizes, where the head gives that of the form.
    @Test func spoolsProbabilitiesOnlyWhereAParameterMayFollow() async throws {
        let harness = try Harness()
        let last = sample.multipart(before: [("temperature", "2")])
        let notLast = sample.multipart(after: [("temperature", "2")])
        for (body, fields, isSpooled) in [
            (last, [:], false), (notLast, [:], true), (last, [.transferEncoding: "chunked"], true),
        ] as [(Body, HTTPFields, Bool)] {
            let sink = try harness.openScore(body, fields)
            sink.push(Array(body.bytes.dropLast(70)))
            #expect(harness.spoolFileCount == (isSpooled ? 1 : 0))
            sink.push(Array(body.bytes.suffix(70)))
            try expectImageScores(await sink.reply(), sample.imageScores(temperature: 2))
        }
    }

    @Test func refusesBlocksThatDoNotFit() async throws {
        let harness = try Harness()
        for form in BodyFormat.allCases {
            let reply = await harness.score(
                try sample.body(form), query: "?method=num_pixel_issues&downsample=3")
            #expect((reply.status, reply.problem) == (422, "downsample-does-not-divide"))
            #expect(reply.text.contains("height H = 4 and width W = 6"))
        }
        #expect(harness.jobCount == 0)
    }

    @Test(arguments: ["downsample=2", "include=label_issues"])
    func areNotFoundBySoftmin(parameter: String) async throws {
        let harness = try Harness()
        for form in BodyFormat.allCases {
            let reply = await harness.score(try sample.body(form), query: "?" + parameter)
            #expect((reply.status, reply.problem) == (400, "invalid-parameter"))
        }
        let job = try await harness.score(try sample.npz()).location()
        for resource in ["/label_issues", "/statistics"] {
            let reply = await harness.get(job + resource)
            #expect((reply.status, reply.problem) == (404, "no-label-issues"))
        }
        #expect(harness.jobCount == 1)
    }

    @Test func stayWithTheJob() async throws {
        let harness = try Harness()
        let job = try await score(harness)
        let expected = definition().mask.map { UInt8($0 ? 1 : 0) }
        #expect(await harness.get(job + "/label_issues").bytes == npy(expected, .bool, [3, 4, 6]))
        let image = await harness.get(job + "/label_issues?image=1")
        #expect(image.bytes == npy(Array(expected[24..<48]), .bool, [4, 6]))
        #expect(await harness.get(job + "/label_issues?threshold=0.5").problem == "unknown-parameter")
        let links = try #require(try await harness.get(job).json()["links"] as? [String: String])
        #expect(links["label_issues"] == job + "/label_issues" && links["statistics"] == job + "/statistics")
    }

    @Test func canBeFilteredByClass() async throws {
        let harness = try Harness()
        let job = try await score(harness)
        let whole = await harness.get(job + "/label_issues")
        var counts: [Int] = []
        for k in 0..<4 {
            let reply = await harness.get(job + "/label_issues?class=\(k)")
            #expect(reply.fields[.eTag] != whole.fields[.eTag])
            counts.append(reply.bytes.suffix(72).count { $0 == 1 })
        }
        // Each label issue involves two classes: its label, and another that is more probable.
        #expect(counts.reduce(0, +) == 2 * definition().mask.count { $0 })
        #expect(await harness.get(job + "/label_issues?class=4").problem == "invalid-parameter")
        #expect(await harness.get(job + "/issues?class=4").problem == "invalid-parameter")
        #expect(await harness.get(job + "/issues?class=-1").problem == "invalid-parameter")
    }

    @Test func addUpToASummary() async throws {
        let harness = try Harness()
        let job = try await score(harness)
        let reply = await harness.get(job + "/summary?class_names=road,%20sky,car,tree&top=3")
        let rows = try #require(try JSONSerialization.jsonObject(with: Data(reply.bytes)) as? [[String: Any]])
        #expect(rows.count == 3)
        let counts = rows.compactMap { $0["num_pixel_issues"] as? Int }
        #expect(counts == counts.sorted(by: >) && counts.count == 3)
        let names = Set(rows.flatMap { [$0["given_label"], $0["predicted_label"]] }.compactMap { $0 as? String })
        #expect(names.isSubset(of: ["road", "sky", "car", "tree"]))
        let whole = await harness.get(job + "/summary")
        let all = try #require(try JSONSerialization.jsonObject(with: Data(whole.bytes)) as? [[String: Any]])
        let total = all.compactMap { $0["num_pixel_issues"] as? Int }.reduce(0, +)
        #expect(total == definition().mask.count { $0 })
        for query in ["class_names=a,b", "exclude=4", "exclude=x", "exclude=", "top=0", "threshold=2", "image=1"] {
            #expect(await harness.get(job + "/summary?" + query).status == 400, "\(query)")
        }
    }

    @Test func areCountedInTheRanking() async throws {
        let harness = try Harness()
        let job = try await score(harness)
        let expected = definition().mask
        let ranking = try #require(
            try await harness.get(job + "/ranking").json()["ranking"] as? [[String: Any]])
        for row in ranking {
            let image = try #require(row["image"] as? Int)
            let count = expected[image * 24..<(image + 1) * 24].count { $0 }
            #expect(row["num_pixel_issues"] as? Int == count)
            #expect(abs((row["score"] as? Double ?? 2) - (1 - Double(count) / 24)) < 1e-15)
        }
        let below = try await harness.get(job + "/ranking?threshold=1").json()["ranking"] as? [[String: Any]]
        #expect(below?.compactMap { $0["num_pixel_issues"] as? Int } == [24, 24, 24])
    }

    @Test func areExplainedByStatistics() async throws {
        let harness = try Harness()
        let document = try await harness.get(try await score(harness) + "/statistics").json()
        #expect(document["num_pixels"] as? Int == 72)
        #expect(document["downsample"] as? Int == 1)
        #expect(document["num_issues"] as? Int == definition().issueCount)
        let cut = try #require(document["cut"] as? [String: Any])
        let (below, ties) = try #require((cut["below"] as? Int, cut["ties"] as? Int) as? (Int, Int))
        #expect(below + ties == definition().issueCount)
        let classes = try #require(document["classes"] as? [[String: Any]])
        #expect(classes.compactMap { $0["count"] as? Int }.reduce(0, +) == 72)
        #expect(classes.compactMap { $0["class"] as? Int } == [0, 1, 2, 3])
        for row in classes {
            let (sum, count) = try #require((row["sum"] as? Double, row["count"] as? Int) as? (Double, Int))
            // The answer is read back by Foundation, whose last bit is not always right.
            #expect(abs((row["confident_threshold"] as? Double ?? 2) - sum / Double(count)) < 1e-15)
        }
        let blocks = try await harness.get(try await score(harness, "&downsample=2") + "/statistics").json()
        #expect((blocks["num_pixels"] as? Int, blocks["downsample"] as? Int) == (18, 2))
    }
}
