import Foundation
package import ServiceInterface

/// All endpoints of the service. What a request is answered by, refused by, and counted by is found here and nowhere else.
package struct EndpointTable: Sendable {
    /// An endpoint that has a path.
    package struct Match: Sendable {
        package let endpoint: Endpoint
        /// What the request is counted by.
        package let path: PathTemplate
        /// What the path has for each name in the template.
        package let values: [String: String]
    }

    private struct Row {
        let endpoint: Endpoint
        let path: PathTemplate
        let segments: [Segment]

        var nameCount: Int { segments.count { if case .name = $0 { true } else { false } } }

        /// - Returns: Nil if the path is not the row's.
        func values(of path: [Substring]) -> [String: String]? {
            var values: [String: String] = [:]
            for (segment, text) in zip(segments, path) {
                switch segment {
                case .text(let expected): guard text == expected else { return nil }
                case .name(let name): values[name] = text.removingPercentEncoding ?? String(text)
                }
            }
            return values
        }
    }

    /// What stands between two slashes of a template.
    private enum Segment {
        case text(Substring)
        case name(String)

        init(_ text: Substring) {
            self = text.hasPrefix("{") ? .name(String(text.dropFirst().dropLast())) : .text(text)
        }
    }

    private let groups: [EndpointGroup]
    /// By the number of segments; a row with fewer names stands ahead of one with more.
    private let rows: [Int: [Row]]

    /// - Parameter groups: A group with a prefix stands ahead of one without. No two endpoints have the same template.
    package init(_ groups: [EndpointGroup]) {
        self.groups = groups
        let endpoints = groups.flatMap(\.endpoints)
        precondition(Set(endpoints.map(\.template)).count == endpoints.count, "a path has two rows")
        let all = endpoints.enumerated().map { number, endpoint in
            Row(
                endpoint: endpoint, path: PathTemplate(number: number, text: endpoint.template),
                segments: Self.segments(endpoint.template[...]).map(Segment.init))
        }
        rows = Dictionary(grouping: all, by: \.segments.count).mapValues { rows in
            rows.sorted { ($0.nameCount, $0.path.number) < ($1.nameCount, $1.path.number) }
        }
    }

    /// - Parameter path: That of a request, without its query.
    /// - Returns: Nil if nothing has the path.
    package func match(_ path: Substring) -> Match? {
        guard path.first == "/" else { return nil }
        let segments = Self.segments(path)
        for row in rows[segments.count] ?? [] {
            guard let values = row.values(of: segments) else { continue }
            return Match(endpoint: row.endpoint, path: row.path, values: values)
        }
        return nil
    }

    /// A problem in the form of the protocol that a path is of.
    func render(_ problem: Problem, at path: Substring) -> Problem {
        groups.first { $0.holds(path) }?.rendering(problem) ?? problem
    }

    private static func segments(_ path: Substring) -> [Substring] {
        path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }
}
