import Ports
import Testing

@testable import Postgres

@Suite struct ConnectionStringTests {
  @Test(arguments: [
    ("host=db.example dbname=orders user=kassa password=hunter2", "PostgreSQL db.example/orders"),
    ("postgresql://kassa:hunter2@db.example:6432/orders?sslmode=verify-full", "PostgreSQL db.example:6432/orders"),
    ("service=shop", "PostgreSQL service shop/default database"),
    ("", "PostgreSQL default host/default database"),
  ])
  func namesTheServerAndNoSecret(_ text: String, _ name: String) throws {
    #expect(try ConnectionString(text).name == name)
  }

  @Test(arguments: ["host=a password", "postgresql://u:hunter2@[::1/x", "hunter2", "host='hunter2", "host=a\0hunter2"])
  func aStringThatLibpqCannotReadIsNotQuoted(_ text: String) throws {
    #expect {
      try ConnectionString(text)
    } throws: { error in
      let message = (error as? StoreFailure)?.message ?? ""
      return message.contains("connection string") && !message.contains("hunter2")
    }
  }

  @Test func fillsInWhatIsLeftOpen() throws {
    let options = PostgresOptions()
    let own = try ConnectionString("host=a keepalives_idle=77 client_encoding=LATIN1 sslmode=verify-full")
      .parameters(options)
    func values(_ keyword: String) -> [String] { own.filter { $0.keyword == keyword }.map(\.value) }
    #expect(values("keepalives_idle") == ["77"])
    #expect(values("keepalives_interval") == ["2"])
    #expect(values("sslmode") == ["verify-full"])
    #expect(values("client_encoding") == ["UTF8"])
    #expect(values("connect_timeout") == ["5"])
    #expect(values("target_session_attrs") == ["read-write"])
  }

  @Test func takesSecretsOutOfMessages() {
    let text = ConnectionString.redacted("no entry\nwith 'hunter2' and s3, hunter2", ["hunter2", "", "s3"])
    #expect(text == "no entry with '***' and ***, ***")
  }

  @Test func boundsContradict() {
    func contradiction(_ change: (inout PostgresOptions) -> Void) -> String? {
      var options = PostgresOptions()
      change(&options)
      return options.contradiction
    }
    #expect(contradiction { _ in } == nil)
    #expect(contradiction { $0.writerCount = 0 } != nil)
    #expect(contradiction { $0.readerCount = 65 } != nil)
    #expect(contradiction { $0.backoffMillisecondsMin = 6_000 } != nil)
    #expect(contradiction { $0.silenceMillisecondsMax = 30_000 } != nil)
    #expect(contradiction { $0.rowBytesMax = .max } != nil)
    #expect(contradiction { $0.acquireWaitMilliseconds = .max } != nil)
  }
}
