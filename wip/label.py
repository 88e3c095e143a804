import sys,time
sys.path.insert(0,'/tmp/wt/classes')
import torch; torch.set_num_threads(int(sys.argv[2]) if len(sys.argv)>2 else 1)
from pathlib import Path
from model.training.photos import *
from model.training.labels.teachers import label_photos
from model.training.classifier import load_classifier
D=Path('/tmp/wt/shared/data')
def photos():
    from model.training.weak_step import list_photos
    return list_photos(D,{0,1})
if __name__=='__main__':
    ps=photos(); k=int(sys.argv[1]); n=2
    print(len(ps),flush=True)
    part=ps[k::n]
    t=time.time()
    if len(sys.argv)>3: part=part[:int(sys.argv[3])]
    label_photos(part,load_classifier(),'cpu').save(Path(f'/tmp/exp/labels{k}.npz'))
    print(time.time()-t)
