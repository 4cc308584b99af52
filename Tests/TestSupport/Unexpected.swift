/// Ends a test that has found something that it cannot go on with.
package struct Unexpected: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) {
        self.description = description
    }
}
