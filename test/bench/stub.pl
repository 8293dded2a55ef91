# A server that costs nothing and answers with its owner's name: what the benches start in place of an IDE, so that the
# control plane is measured and a wrong route is seen. perl-base alone. DELAY: seconds before it listens. As a
# workspace's gate it makes the ready file and reports once, as a gate does.
use strict;
use warnings;
use Socket;

my $name = $ENV{ARMADA_WORKSPACE_SLUG} // $ENV{NAME} // 'nobody';
select(undef, undef, undef, $ENV{DELAY}) if $ENV{DELAY};
socket(my $server, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
bind($server, sockaddr_in($ENV{PORT}, INADDR_LOOPBACK)) or die "bind: $!";
listen($server, 64) or die "listen: $!";

if (my $file = $ENV{ARMADA_GATE_READY_FILE}) {
  open(my $ready, '>', $file) or die "ready file: $!";
  close $ready;
}
if (($ENV{ARMADA_HEARTBEAT_URL} // '') =~ m{^http://([\d.]+):(\d+)}) {
  my ($host, $port) = ($1, $2);
  my $body = '{"ready":true,"problem":null,"active":false,"marked":true,"visitors":[]}';
  socket(my $api, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
  if (connect($api, sockaddr_in($port, inet_aton($host)))) {
    my $length = length $body;
    syswrite $api, "POST /v1/heartbeats HTTP/1.1\r\nHost: $host:$port\r\nAuthorization: Bearer $ENV{ARMADA_HEARTBEAT_TOKEN}\r\n"
      . "Content-Type: application/json\r\nContent-Length: $length\r\nConnection: close\r\n\r\n$body";
    sysread $api, my $answer, 4096;
    close $api;
  }
}
my $length = length $name;
while (accept(my $client, $server)) {
  while (sysread $client, my $request, 8192) {
    last unless syswrite $client, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: $length\r\nConnection: close\r\n\r\n$name";
    last;
  }
  close $client;
}
