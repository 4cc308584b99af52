import Foundation
package import ServiceInterface

/// All endpoints of the service. Routing, refusals and the names in metrics follow from this table, and from nothing
/// else.
package struct EndpointTable: Sendable {
    /// The endpoint of a request's path.
    package struct Match: Sendable {
        /// The endpoint that has the path.
        package let endpoint: Endpoint
        /// The template that metrics count the request by.
        package let path: PathTemplate
        /// The parts of the path that stand for the template's names, by those names.
        package let values: [String: String]
    }

    private struct Row {
        let endpoint: Endpoint
        let path: PathTemplate
        let segments: [Segment]

        var nameCount: Int { segments.count { if case .name = $0 { true } else { false } } }

        /// The values that a path has for the row's names.
        ///
        /// - Returns: Nil if the path does not match the row.
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

    /// The part of a template between two slashes.
    private enum Segment {
        case text(Substring)
        case name(String)

        init(_ text: Substring) {
            self = text.hasPrefix("{") ? .name(String(text.dropFirst().dropLast())) : .text(text)
        }
    }

    private let groups: [EndpointGroup]
    /// The rows by their number of segments. Rows with fewer names come first, since a path that a template spells out
    /// belongs to that template.
    private let rows: [Int: [Row]]

    /// Creates a table.
    ///
    /// - Parameter groups: The endpoints. No two of them may have the same template. A group with a prefix has to stand
    ///   ahead of a group without one, since the first that claims a path renders its problems.
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

    /// Finds the endpoint of a path.
    ///
    /// - Parameter path: The path of a request, without its query.
    /// - Returns: Nil if no endpoint has the path.
    package func match(_ path: Substring) -> Match? {
        guard path.first == "/" else { return nil }
        let segments = Self.segments(path)
        for row in rows[segments.count] ?? [] {
            guard let values = row.values(of: segments) else { continue }
            return Match(endpoint: row.endpoint, path: row.path, values: values)
        }
        return nil
    }

    /// A problem in the form that clients of the path's protocol expect.
    func render(_ problem: Problem, at path: Substring) -> Problem {
        groups.first { $0.holds(path) }?.rendering(problem) ?? problem
    }

    private static func segments(_ path: Substring) -> [Substring] {
        path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }
}
