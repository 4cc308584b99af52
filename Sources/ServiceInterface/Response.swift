package import HTTPTypes
package import Memory

/// An answer: its head, and a body that is sent from the memory or file where it lies.
package struct Response: Sendable {
    /// The status and fields of the answer.
    package var head: HTTPResponse
    /// The body of the answer.
    package var body: ResponseBody

    /// Creates an answer. The server adds `Content-Length`, `Date` and the id of the request; all other fields stand in
    /// `head`.
    package init(_ head: HTTPResponse, body: ResponseBody = ResponseBody()) {
        self.head = head
        self.body = body
    }
}

/// The body of an answer: either a list of byte ranges, each of which its owner keeps alive until it is sent, or a
/// stream.
package struct ResponseBody: Sendable {
    /// A range of bytes, and the object that keeps them alive.
    package struct Segment: Sendable {
        package let owner: any StableBytes
        /// Offsets into the owner's bytes, within their bounds.
        package let range: Range<Int>
    }

    /// The byte ranges in the order in which they are sent; empty if the body is a stream.
    package private(set) var segments: [Segment] = []

    /// The stream that the body is read from; nil if the body consists of segments. A body with a stream has no
    /// segments.
    package let stream: ByteStream?

    /// The memory that the list of segments takes out of the budget, if there are very many segments.
    package var reservation: ByteReservation?

    /// Creates a body without bytes.
    package init() {
        stream = nil
    }

    /// A body that is written while it is sent.
    package init(stream: ByteStream) {
        self.stream = stream
    }

    /// Bodies up to this size, in bytes, do not count against the memory budget, so that errors, probes and documents
    /// can be answered when the budget is used up. Each connection sends one body at a time, which bounds their sum.
    package static let uncountedBytes = 32 << 10

    /// A body whose bytes were made for it alone.
    ///
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)`` if the memory budget has no room for the bytes.
    package init(copying bytes: [UInt8]) throws(MemoryError) {
        stream = nil
        append(try bytes.count <= Self.uncountedBytes ? Buffer(uncounted: bytes) : Buffer(bytes))
    }

    /// The size of the whole body, in bytes; 0 for a stream.
    package var byteCount: Int { segments.reduce(0) { $0 + $1.range.count } }

    /// Adds all bytes of an owner.
    package mutating func append(_ owner: any StableBytes) {
        let count = unsafe owner.stableBytes.count
        append(owner, 0..<count)
    }

    /// Adds a range of an owner's bytes. The range must lie within them.
    package mutating func append(_ owner: any StableBytes, _ range: Range<Int>) {
        let count = unsafe owner.stableBytes.count
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        guard !range.isEmpty else { return }
        segments.append(Segment(owner: owner, range: range))
    }

    /// The bytes from one offset of the body to another, as a `Range` field asks for them.
    package func slice(_ range: Range<Int>) -> ResponseBody {
        var result = ResponseBody()
        var start = 0
        for segment in segments {
            let overlap = range.clamped(to: start..<start + segment.range.count)
            if !overlap.isEmpty {
                let offset = segment.range.lowerBound - start
                result.append(segment.owner, overlap.lowerBound + offset..<overlap.upperBound + offset)
            }
            start += segment.range.count
        }
        return result
    }
}
