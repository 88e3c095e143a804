"""feat.py NET(gaze|weak) KIND OUT threads : caches taps of frozen network."""
import sys,time,os
sys.path.insert(0,'/tmp/wt/classes'); sys.path.insert(0,'/tmp/exp')
import numpy as np, torch
from pathlib import Path
from PIL import Image
from model.checkpoint import load_network
from model.weights_file import SHIPPED_WEIGHTS, SHIPPED_WEAK_WEIGHTS
from model.msroi import normalise_pixels, upsample_2x
from model.input_size import choose_input_size, scale_photo
from model.training.photos import *
from model.training.mosaics import MosaicBatches
from model.training.labels.targets import Targets
from tqdm import tqdm
net,kind,out,thr=sys.argv[1:5]
torch.set_num_threads(int(thr))
SRC={'gaze':'/tmp/exp/orig/msroi.safetensors','weak':'/tmp/exp/orig/msroi_weak.safetensors'}
from oldnet import load_old
N,_,_=load_old(SRC[net]); N=N.to(memory_format=torch.channels_last)
N.fuse_activations()
D=Path('/tmp/wt/shared/data')
BF=os.environ.get('BF','1')=='1'
@torch.inference_mode()
def taps(px):
    x=normalise_pixels(px)
    with torch.autocast('cpu',torch.bfloat16,enabled=BF):
        a8,a16,a32=N.backbone(x)
        l8,l16,l32=(l(t) for l,t in zip(N.laterals,(a8,a16,a32)))
        y=N.refine_16(l16+upsample_2x(l32))
        f8=N.refine_8(l8+upsample_2x(y))
    return [t.half().contiguous() for t in (f8,a16,a32)]
def train_photos():
    lab=[p for p in find_photos(D/'train') if p.fold>1]
    coco=[p for p in find_coco(D/'coco') if p.fold!=0]
    gaz=[p for p in find_gazed(D/'fixations') if p.fold>1]
    return lab,coco,gaz
def dummy(n,C=1):
    z=np.zeros((n,C),np.float32)
    return Targets(z,z>0,np.zeros((n,C,2,2),np.uint8),np.zeros((n,C,2,2),bool))
def singles(ps):
    res=[]
    for p in tqdm(ps,mininterval=20):
        with Image.open(p.path) as im:
            s=choose_input_size(*im.size,153600); px=np.array(scale_photo(im,s))
        res.append([t[0] for t in taps(torch.from_numpy(px)[None])])
    return {'paths':[str(p.path) for p in ps],'feats':res}
if __name__=='__main__':
    t0=time.time()
    if kind.startswith('mosaics'):
        from model.training.weak_step import list_photos
        _,lo,hi=kind.split(':')
        ps=list_photos(D,{0,1})
        B=MosaicBatches(ps,dummy(len(ps)),batch_size=12,seed=0)
        res=[]
        for i in tqdm(range(int(lo),int(hi)),mininterval=20):
            b=B[i]
            fs=[taps(b.pixels[k:k+1]) for k in range(len(b.pixels))]
            res.append([torch.cat([f[j] for f in fs]) for j in range(3)])
        torch.save({'paths':[str(p.path) for p in ps],'feats':res},out)
    elif kind.startswith('views'):
        from model.training.gaze import GazeBatches, read_records
        _,lo,hi=kind.split(':')
        rs=[r for r in read_records(D/'fixations') if r.fold not in (0,1)]
        B=GazeBatches(rs,area_px=153600,batch_size=8,seed=1)
        res=[];den=[]
        for i in tqdm(range(int(lo),int(hi)),mininterval=20):
            b=B[i]
            fs=[taps(b.pixels[k:k+1]) for k in range(len(b.pixels))]
            res.append([torch.cat([f[j] for f in fs]) for j in range(3)]); den.append(b.density)
        torch.save({'feats':res,'density':den},out)
    else:
        ps={'gaze':lambda:[p for p in find_gazed(D/'fixations') if p.fold!=0],
            'gaze1':lambda:[p for p in find_gazed(D/'fixations') if p.fold==1],
            'gaze0':lambda:[p for p in find_gazed(D/'fixations') if p.fold==0],
            'coco':lambda:find_coco(D/'coco'),
            'fold1':lambda:[p for p in find_photos(D/'train') if p.fold==1],
            'fold0':lambda:[p for p in find_photos(D/'train') if p.fold==0]}[kind]()
        if os.environ.get('LIM'): ps=ps[:int(os.environ['LIM'])]
        torch.save(singles(ps),out)
    print(kind,time.time()-t0)
