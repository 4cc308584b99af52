import Foundation

/// Parts of URLs.
enum URLText {
    /// RFC 3986's unreserved characters (2.3), and the slash. Of letters only those of ASCII count.
    private static let kept = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~/"))

    /// A path with every other byte escaped.
    static func escaped(path: String) -> String {
        // A string of Swift is Unicode, so that it can always be escaped.
        path.addingPercentEncoding(withAllowedCharacters: kept) ?? path
    }
}
