# A hundred jobs wait for one lock in one process, whose loop watches the descriptor of the client.
use strict;
use warnings;
use IO::Select;
use Redilock;

my $client = Redilock->new;
my %jobs   = map { $client->submit('printer', ttl => 30) => $_ } 1 .. 100;
my $select = IO::Select->new($client->fd);
my $printed = 0;
while ($printed < 100) {
    $select->can_read(60) or die "nothing came in a minute\n";
    while (my $done = $client->next) {
        die $done->{error} if $done->{error};
        $jobs{ $done->{request} } or die "of no job\n";
        $done->{lock}->drop;    # does not block, and hands the lock on
        ++$printed;
    }
}
print "$printed jobs printed\n";
