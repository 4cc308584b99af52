import HTTPTypes

/// The media types that the service speaks, and the matching of `Accept` (RFC 9110, section 12.5.1).
package enum MediaType: String, Sendable {
    case csv = "text/csv; charset=utf-8"
    case css = "text/css; charset=utf-8"
    case geoJSON = "application/geo+json"
    case html = "text/html; charset=utf-8"
    case javaScript = "text/javascript; charset=utf-8"
    case json = "application/json"
    case jsonLines = "application/x-ndjson"
    case metrics = "text/plain; version=0.0.4; charset=utf-8"
    case npy = "application/x-npy"
    case npz = "application/x-npz"
    case octets = "application/octet-stream"
    case png = "image/png"
    case jpeg = "image/jpeg"
    case webP = "image/webp"
    case events = "text/event-stream"
    case problem = "application/problem+json"
    case text = "text/plain; charset=utf-8"
    case yaml = "application/yaml"
    case zip = "application/zip"

    /// The offer that an `Accept` field prefers.
    ///
    /// Of offers with equal weight, the one wins that the field names more closely, since a type that stands beside
    /// `*/*` is wanted more than the rest. If that is equal too, or if there is no field, the first offer wins.
    ///
    /// - Throws: A 406 problem if no offer is acceptable.
    package static func negotiated(_ accept: String?, offers: [MediaType]) throws(Problem) -> MediaType {
        guard let accept else { return offers[0] }
        let ranges = accept.split(separator: ",").filter { !$0.allSatisfy(\.isWhitespace) }.map(Range.init)
        guard !ranges.isEmpty else { return offers[0] }
        let preferences = offers.map { offer in
            // The weight of an offer is that of the most specific range that matches it.
            let range = ranges.filter { $0.matches(offer) }.max { $0.specificity < $1.specificity }
            return (quality: range?.quality ?? 0, specificity: range?.specificity ?? 0)
        }
        let best = preferences.max { $0 < $1 } ?? (0, 0)
        guard best.quality > 0, let index = preferences.firstIndex(where: { $0 == best }) else {
            throw Problem(
                .notAcceptable, "This comes in none of the forms that Accept names.",
                parameter: "Accept", expected: offers.map(\.rawValue).joined(separator: ", "), actual: accept)
        }
        return offers[index]
    }

    /// One member of an `Accept` field.
    private struct Range {
        let type: Substring
        let subtype: Substring
        let quality: Double

        init(_ text: Substring) {
            let parts = text.split(separator: ";").map { $0.filter { !$0.isWhitespace } }
            let names = (parts.first ?? "").lowercased().split(separator: "/", omittingEmptySubsequences: false)
            type = names.first ?? ""
            subtype = names.count == 2 ? names[1] : ""
            let weight = parts.dropFirst().first { $0.lowercased().hasPrefix("q=") }
            quality = weight.map { Self.quality($0.dropFirst(2)) } ?? 1
        }

        /// Reads a weight, which is 0 to 1 in digits (RFC 9110, section 12.4.2). A malformed weight makes its range
        /// count for nothing.
        private static func quality(_ text: Substring) -> Double {
            let isDecimal = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
            guard isDecimal, let value = Double(text), value <= 1 else { return 0 }
            return value
        }

        var specificity: Int { (type == "*" ? 0 : 1) + (subtype == "*" ? 0 : 1) }

        func matches(_ offer: MediaType) -> Bool {
            let names = offer.rawValue.prefix { $0 != ";" }.split(separator: "/")
            return (type == "*" || type == names[0]) && (subtype == "*" || subtype == names[1])
        }
    }
}
