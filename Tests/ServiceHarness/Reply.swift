import Dispatch
import Foundation
package import HTTPTypes
import Memory
package import ServiceInterface
import Testing
import Threads

/// An answer whose body was gathered.
package struct Reply: Sendable {
    package let status: Int
    package let fields: HTTPFields
    package let bytes: [UInt8]
    /// Whether the answer was settled at the head.
    package let wasRefused: Bool

    package init(_ response: Response, wasRefused: Bool) {
        status = response.head.status.code
        fields = response.head.headerFields
        var bytes: [UInt8] = []
        for segment in response.body.segments {
            bytes += segment.owner.stableBytes[segment.range]
        }
        if response.head.headerFields[.contentType] == "application/json", let stream = response.body.stream {
            bytes = Self.read(stream)
        }
        self.bytes = bytes
        self.wasRefused = wasRefused
    }

    /// Reads what is made on workers while it is read.
    private static func read(_ stream: ByteStream) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let more = DispatchSemaphore(value: 0)
            switch DaemonThread.serve({ stream.next(limit: 5000) { more.signal() } }) {
            case .bytes(let next): bytes += next
            case .later: more.wait()
            case .end: return bytes
            case .cut: return []
            }
        }
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package func json() throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(bytes))
        return try #require(value as? [String: Any])
    }

    /// The last part of a problem's type; nil where the answer is no problem.
    package var problem: String? {
        guard fields[.contentType] == "application/problem+json", let type = try? json()["type"] as? String else {
            return nil
        }
        return type.replacing("urn:segscore:", with: "")
    }

    /// The path of the job that the answer tells of.
    package func location() throws -> String { try #require(fields[.location]) }
}
